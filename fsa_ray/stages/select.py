"""Choose what the student learns from, by difficulty."""

from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fsa_ray.core.artifact import Flow, Rows, Table
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.core.tables import numbered, read_table
from fsa_ray.schemas.rows import SCORED_EXAMPLE
from fsa_ray.sentiment.sampling import sample
from fsa_ray.stages.rows import RowWriter, refused

Mask = npt.NDArray[np.bool_]


class Select(Stage[Rows]):
    """Difficulty-prioritised sampling (CompEffDist). Examples without a score are rejected first."""

    name: ClassVar[str] = "select"
    version: ClassVar[int] = 2
    flow: ClassVar[Flow | None] = Flow(source="scored")

    scored: Stage[Rows]
    rate: float
    peak: float = 1.0
    mode: Literal["soft", "hard", "random"] = "soft"
    per_prompt: bool = True
    exact: bool = True
    seed: int = 0

    def run(self, ctx: StageContext) -> Rows:
        table = ctx.load(self.scored).kept
        examples = read_table(ctx.root, table, ["id", "group", "difficulty", "error"])
        has_score = pc.is_null(examples["error"]).to_numpy()
        if not has_score.all():
            examples = examples.filter(pa.array(has_score))
        drawn = sample(
            examples["difficulty"].to_numpy(),
            examples["id"],
            examples["group"] if self.per_prompt else None,
            rate=self.rate,
            peak=self.peak,
            method=self.mode,
            exact=self.exact,
            seed=self.seed,
        )
        keep = np.zeros(len(has_score), dtype=bool)
        keep[has_score] = drawn.keep
        return _parted(ctx, table, has_score, keep)


def _parted(ctx: StageContext, table: Table, has_score: Mask, keep: Mask) -> Rows:
    """Keeps the rows drawn; rejects those without a score, then those not drawn."""
    writer = RowWriter(ctx, SCORED_EXAMPLE)
    for part, rows in numbered(ctx.root, table):
        writer.keep(part.filter(pa.array(keep[rows])))
        unscored = part.filter(pa.array(~has_score[rows]))
        writer.refuse(refused(unscored, "unscored", unscored["error"].to_pylist()))
    for part, rows in numbered(ctx.root, table):
        left = part.filter(pa.array(has_score[rows] & ~keep[rows]))
        details = [f"difficulty {value:.4f}" for value in left["difficulty"].to_pylist()]
        writer.refuse(refused(left, "not_selected", details))
    return writer.close()

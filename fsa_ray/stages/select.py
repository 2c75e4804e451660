"""Choose what the student learns from, by difficulty."""

from typing import ClassVar, Literal

import pyarrow as pa
import pyarrow.compute as pc

from fsa_ray.core.artifact import Flow, Rows
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.core.tables import read_table
from fsa_ray.sentiment.sampling import sample
from fsa_ray.stages.rows import commit, refused


class Select(Stage[Rows]):
    """Difficulty-prioritised sampling (CompEffDist). Examples without a score are rejected first."""

    name: ClassVar[str] = "select"
    version: ClassVar[int] = 1
    flow: ClassVar[Flow | None] = Flow(source="scored")

    scored: Stage[Rows]
    rate: float
    peak: float = 1.0
    mode: Literal["soft", "hard", "random"] = "soft"
    per_prompt: bool = True
    exact: bool = True
    seed: int = 0

    def run(self, ctx: StageContext) -> Rows:
        examples = read_table(ctx.root, ctx.load(self.scored).kept)
        has_score = pc.is_null(examples["error"])
        unscored = examples.filter(pc.invert(has_score))
        examples = examples.filter(has_score)
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
        keep = pa.array(drawn.keep)
        left = examples.filter(pc.invert(keep))
        details = [f"difficulty {value:.4f}" for value in left["difficulty"].to_pylist()]
        rejected = [
            refused(unscored, "unscored", unscored["error"].to_pylist()),
            refused(left, "not_selected", details),
        ]
        return commit(ctx, examples.filter(keep), rejected)

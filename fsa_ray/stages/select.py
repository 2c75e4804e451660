"""Choose what the student learns from, by difficulty."""

from typing import ClassVar, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fsa_ray.core.artifact import Flow, Rows, Table
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.core.tables import numbered
from fsa_ray.schemas.rows import SCORED_EXAMPLE
from fsa_ray.sentiment.hashes import hash_strings
from fsa_ray.sentiment.sampling import sample
from fsa_ray.stages.rows import RowWriter, refused
from fsa_ray.storage.folder import Folder

Mask = npt.NDArray[np.bool_]
Mode = Literal["soft", "hard", "random"]


class Select(Stage[Rows]):
    """Difficulty-prioritised sampling (CompEffDist). Examples that could not be scored are rejected first; of those
    that have no difficulty, since the metric does not fit them, the same share is drawn at random."""

    name: ClassVar[str] = "select"
    version: ClassVar[int] = 3
    flow: ClassVar[Flow | None] = Flow(source="scored")

    scored: Stage[Rows]
    rate: float
    peak: float = 1.0
    mode: Mode = "soft"
    per_prompt: bool = True
    exact: bool = True
    seed: int = 0

    def run(self, ctx: StageContext) -> Rows:
        table = ctx.load(self.scored).kept
        given = _Given.read(ctx.root, table, self.seed)
        keep = np.zeros(table.rows, dtype=bool)
        for some, mode in ((given.measured, self.mode), (~given.measured, "random")):
            chosen = given.has_score & some
            keep[chosen] = self._drawn(given, chosen, mode)
        return _parted(ctx, table, given.has_score, keep)

    def _drawn(self, given: "_Given", chosen: Mask, mode: Mode) -> Mask:
        """Which of the chosen examples are kept."""
        drawn = sample(
            given.difficulty[chosen],
            given.hashes[chosen],
            given.groups[chosen] if self.per_prompt else None,
            rate=self.rate,
            peak=self.peak,
            method=mode,
            exact=self.exact,
            seed=self.seed,
        )
        return drawn.keep


class _Given(NamedTuple):
    """What drawing needs of all examples: 22 bytes of each."""

    difficulty: npt.NDArray[np.float64]
    hashes: npt.NDArray[np.uint64]
    groups: npt.NDArray[np.int32]  # numbers in the order of the groups' names, which the order of the rows leaves alone
    has_score: Mask  # it could be scored
    measured: Mask  # it has a difficulty

    @classmethod
    def read(cls, root: Folder, table: Table, seed: int) -> "_Given":
        n = table.rows
        given = cls(np.zeros(n), np.zeros(n, np.uint64), np.zeros(n, np.int32), *np.zeros((2, n), bool))
        names: dict[str, int] = {}
        for part, rows in numbered(root, table, ["id", "group", "difficulty", "error"]):
            given.has_score[rows] = pc.is_null(part["error"]).to_numpy()
            given.measured[rows] = pc.is_valid(part["difficulty"]).to_numpy()
            given.difficulty[rows] = pc.fill_null(part["difficulty"], 0.0).to_numpy()
            given.hashes[rows] = hash_strings(part["id"].combine_chunks(), seed)
            groups = pc.dictionary_encode(part["group"].combine_chunks())
            numbers = [names.setdefault(name, len(names)) for name in groups.dictionary.to_pylist()]
            given.groups[rows] = np.array(numbers, np.int32)[groups.indices.to_numpy(zero_copy_only=False)]
        place = {name: number for number, name in enumerate(sorted(names))}
        given.groups[:] = np.array([place[name] for name in names], np.int32)[given.groups] if n else 0
        return given


def _parted(ctx: StageContext, table: Table, has_score: Mask, keep: Mask) -> Rows:
    """Keeps the rows drawn; rejects those without a score, then those not drawn."""
    writer = RowWriter(ctx, SCORED_EXAMPLE)
    for part, rows in numbered(ctx.root, table):
        writer.keep(part.filter(pa.array(keep[rows])))
        unscored = part.filter(pa.array(~has_score[rows]))
        writer.refuse(refused(unscored, "unscored", unscored["error"].to_pylist()))
    for part, rows in numbered(ctx.root, table):
        left = part.filter(pa.array(has_score[rows] & ~keep[rows]))
        values = left["difficulty"].to_pylist()
        details = ["at random" if value is None else f"difficulty {value:.4f}" for value in values]
        writer.refuse(refused(left, "not_selected", details))
    return writer.close()

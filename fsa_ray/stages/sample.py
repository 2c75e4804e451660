"""A few reviews, drawn by their ids."""

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa

from fsa_ray.core.artifact import Rows
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.core.tables import numbered
from fsa_ray.schemas.rows import REVIEW
from fsa_ray.sentiment.hashes import lowest, seed_for
from fsa_ray.stages.rows import RowWriter, id_hashes


class Sample(Stage[Rows]):
    """The reviews whose ids have the smallest hashes, `share` of all and at most `count`, in the order of the table: a
    random draw that never changes."""

    name: ClassVar[str] = "sample"
    version: ClassVar[int] = 3

    reviews: Stage[Rows]
    share: float = 1.0
    count: int | None = None

    def estimate(self, rows: Callable[[Stage[Any]], float]) -> dict[str, float]:
        return {"rows": float(self._drawn(rows(self.reviews)))}

    def run(self, ctx: StageContext) -> Rows:
        table = ctx.load(self.reviews).kept
        drawn = lowest(np.concatenate(id_hashes(ctx.root, table, seed_for("sample", 0))), self._drawn(table.rows))
        writer = RowWriter(ctx, REVIEW)
        for part, rows in numbered(ctx.root, table, REVIEW.names):
            writer.keep(part.filter(pa.array(drawn[rows])))
        return writer.close()

    def _drawn(self, rows: float) -> int:
        drawn = round(self.share * rows)
        return drawn if self.count is None else min(drawn, self.count)

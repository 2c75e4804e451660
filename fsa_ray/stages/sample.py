"""A few reviews, drawn by their ids."""

from collections.abc import Callable
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from fsa_ray.core.artifact import Rows
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.core.tables import ROWS_PER_FILE, iter_parts, read_table
from fsa_ray.schemas.rows import REVIEW
from fsa_ray.stages.rows import RowWriter

_LARGE = pa.schema([(field.name, pa.large_string()) for field in REVIEW])
"""To be sorted in one piece, of which strings of the usual kind hold 2 GiB."""


class Sample(Stage[Rows]):
    """The reviews with the smallest ids, `share` of all and at most `count`: ids are digests, so this is a random draw
    that never changes."""

    name: ClassVar[str] = "sample"
    version: ClassVar[int] = 2

    reviews: Stage[Rows]
    share: float = 1.0
    count: int | None = None

    def estimate(self, rows: Callable[[Stage[Any]], float]) -> dict[str, float]:
        return {"rows": float(self._drawn(rows(self.reviews)))}

    def run(self, ctx: StageContext) -> Rows:
        table = ctx.load(self.reviews).kept
        ids = read_table(ctx.root, table, ["id"])["id"]
        smallest = pc.sort_indices(ids)[: self._drawn(len(ids))]
        writer = RowWriter(ctx, REVIEW)
        if len(smallest):
            last = ids[smallest[-1].as_py()]
            parts = iter_parts(ctx.root, table, REVIEW.names)
            drawn = pa.concat_tables(part.filter(pc.less_equal(part["id"], last)) for part in parts)
            drawn = drawn.cast(_LARGE).combine_chunks().sort_by("id")
            for start in range(0, len(drawn), ROWS_PER_FILE):
                writer.keep(drawn.slice(start, ROWS_PER_FILE).cast(REVIEW))
        return writer.close()

    def _drawn(self, rows: float) -> int:
        drawn = round(self.share * rows)
        return drawn if self.count is None else min(drawn, self.count)

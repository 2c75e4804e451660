"""A few reviews, drawn by their ids."""

from collections.abc import Callable
from typing import Any, ClassVar

import pyarrow as pa

from fsa_ray.core.artifact import Rows
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.core.tables import read_table
from fsa_ray.schemas.rows import REVIEW
from fsa_ray.stages.rows import commit


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
        reviews = read_table(ctx.root, ctx.load(self.reviews).kept, REVIEW.names)
        order = pa.compute.sort_indices(reviews["id"])[: self._drawn(len(reviews))]
        return commit(ctx, reviews.take(order), [])

    def _drawn(self, rows: float) -> int:
        drawn = round(self.share * rows)
        return drawn if self.count is None else min(drawn, self.count)

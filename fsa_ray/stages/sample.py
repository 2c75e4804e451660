"""A few reviews, drawn by their ids."""

from typing import ClassVar

import pyarrow as pa

from fsa_ray.core.artifact import Rows
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.core.tables import read_table
from fsa_ray.schemas.rows import REVIEW
from fsa_ray.stages.rows import commit


class Sample(Stage[Rows]):
    """The `count` reviews with the smallest ids: ids are digests, so this is a random draw that never changes."""

    name: ClassVar[str] = "sample"
    version: ClassVar[int] = 1

    reviews: Stage[Rows]
    count: int

    def estimate(self, rows: object) -> dict[str, float]:
        return {"rows": float(self.count)}

    def run(self, ctx: StageContext) -> Rows:
        reviews = read_table(ctx.root, ctx.load(self.reviews).kept, REVIEW.names)
        order = pa.compute.sort_indices(reviews["id"])[: self.count]
        return commit(ctx, reviews.take(order), [])

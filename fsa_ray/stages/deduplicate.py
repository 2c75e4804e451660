"""Drop reviews that say the same: equal texts always, nearly equal ones on demand."""

from typing import ClassVar

from fsa_ray.core.artifact import Flow, Rows
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.core.tables import read_table
from fsa_ray.schemas.rows import REVIEW
from fsa_ray.sentiment.duplicates import exact_duplicates, near_duplicates
from fsa_ray.stages.rows import commit


class Deduplicate(Stage[Rows]):
    """Of reviews that count as one, the first stays; the others are rejected, naming it."""

    name: ClassVar[str] = "deduplicate"
    version: ClassVar[int] = 1
    flow: ClassVar[Flow | None] = Flow(source="reviews")

    reviews: Stage[Rows]
    near: bool = True
    similarity: float = 0.8
    shingle: int = 3
    seed: int = 0

    def run(self, ctx: StageContext) -> Rows:
        reviews = read_table(ctx.root, ctx.load(self.reviews).kept, REVIEW.names)
        reviews, equal = _split(reviews, exact_duplicates(reviews["text"]), "duplicate")
        if not self.near:
            return commit(ctx, reviews, [equal])
        first = near_duplicates(reviews["text"], threshold=self.similarity, shingle=self.shingle, seed=self.seed)
        reviews, near = _split(reviews, first, "near_duplicate")
        return commit(ctx, reviews, [equal, near])

"""Drop reviews that say the same: equal texts always, nearly equal ones on demand."""

from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fsa_ray.core.artifact import Flow, Rows
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.core.tables import read_table
from fsa_ray.schemas.rows import REVIEW
from fsa_ray.sentiment.duplicates import first_of_alike, first_of_equal, signatures, text_digests
from fsa_ray.stages.rows import commit, refused


class Deduplicate(Stage[Rows]):
    """Of reviews that count as one, the first stays; the others are rejected, naming it."""

    name: ClassVar[str] = "deduplicate"
    version: ClassVar[int] = 1
    flow: ClassVar[Flow | None] = Flow(source="reviews")

    reviews: Stage[Rows]
    near: bool = True
    similarity: float = 0.8
    seed: int = 0

    def run(self, ctx: StageContext) -> Rows:
        reviews = read_table(ctx.root, ctx.load(self.reviews).kept, REVIEW.names)
        reviews, equal = _part(reviews, first_of_equal(text_digests(reviews["text"])), "duplicate")
        if not self.near:
            return commit(ctx, reviews, [equal])
        matrix = signatures(reviews["text"], seed=self.seed + 1)
        reviews, alike = _part(reviews, first_of_alike(matrix, threshold=self.similarity), "near_duplicate")
        return commit(ctx, reviews, [equal, alike])


def _part(reviews: pa.Table, first: npt.NDArray[np.int64], reason: str) -> tuple[pa.Table, pa.Table]:
    """The rows that are the first of their kind, and the others as rejects."""
    keep = first == np.arange(len(reviews))
    others = reviews.filter(pa.array(~keep))
    firsts = reviews["id"].take(pa.array(first[~keep])).to_pylist()
    return reviews.filter(pa.array(keep)), refused(others, reason, [f"says the same as {row}" for row in firsts])

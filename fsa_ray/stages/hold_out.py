"""Examples that a training looks at and does not learn from."""

from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fsa_ray.core.artifact import Flow, Rows
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.core.tables import read_table
from fsa_ray.sentiment.hashes import hash_strings
from fsa_ray.stages.rows import commit, refused


class HeldOut(Stage[Rows]):
    """All examples of a share of the reviews, drawn by the seed and the review's id."""

    name: ClassVar[str] = "held-out"
    version: ClassVar[int] = 1

    examples: Stage[Rows]
    share: float
    seed: int

    def run(self, ctx: StageContext) -> Rows:
        examples = read_table(ctx.root, ctx.load(self.examples).kept)
        return commit(ctx, examples.filter(pa.array(_is_held(examples, self.share, self.seed))), [])


class Remaining(Stage[Rows]):
    """The examples of all other reviews: what is learned from."""

    name: ClassVar[str] = "remaining"
    version: ClassVar[int] = 1
    flow: ClassVar[Flow | None] = Flow(source="examples")

    examples: Stage[Rows]
    share: float
    seed: int

    def run(self, ctx: StageContext) -> Rows:
        examples = read_table(ctx.root, ctx.load(self.examples).kept)
        held = pa.array(_is_held(examples, self.share, self.seed))
        left = examples.filter(held)
        rejected = refused(left, "held_out", ["a training looks at it and does not learn from it"] * len(left))
        return commit(ctx, examples.filter(pc.invert(held)), [rejected])


def _is_held(examples: pa.Table, share: float, seed: int) -> npt.NDArray[np.bool_]:
    """bool [n]: a review is on the same side in every table. ValueError if that leaves one side empty."""
    # An example of another task is about no review.
    about = pc.coalesce(examples["review_id"], examples["id"]).combine_chunks()
    held = np.asarray(hash_strings(about, seed) < np.uint64(share * 2**64))
    if not 0 < held.sum() < len(held):
        raise ValueError(
            f"held_out: a share of {share} leaves {held.sum()} of {len(held)} examples to look at; "
            "change it, or leave `watch` out of the training"
        )
    return held

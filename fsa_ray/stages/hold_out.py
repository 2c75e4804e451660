"""Examples that a training looks at and does not learn from."""

from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fsa_ray.core.artifact import Flow, Rows, Table
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.core.tables import numbered, schema_of
from fsa_ray.sentiment.hashes import hash_strings, seed_for
from fsa_ray.stages.rows import RowWriter, refused
from fsa_ray.storage.folder import Folder


class HeldOut(Stage[Rows]):
    """All examples of a share of the reviews, drawn by the seed and the review's id."""

    name: ClassVar[str] = "held-out"
    version: ClassVar[int] = 2

    examples: Stage[Rows]
    share: float
    seed: int

    def run(self, ctx: StageContext) -> Rows:
        table = ctx.load(self.examples).kept
        held = _held(ctx.root, table, self.share, self.seed)
        writer = RowWriter(ctx, schema_of(ctx.root, table))
        for part, rows in numbered(ctx.root, table):
            writer.keep(part.filter(pa.array(held[rows])))
        return writer.close()


class Remaining(Stage[Rows]):
    """The examples of all other reviews: what is learned from."""

    name: ClassVar[str] = "remaining"
    version: ClassVar[int] = 2
    flow: ClassVar[Flow | None] = Flow(source="examples")

    examples: Stage[Rows]
    share: float
    seed: int

    def run(self, ctx: StageContext) -> Rows:
        table = ctx.load(self.examples).kept
        held = _held(ctx.root, table, self.share, self.seed)
        writer = RowWriter(ctx, schema_of(ctx.root, table))
        for part, rows in numbered(ctx.root, table):
            writer.keep(part.filter(pa.array(~held[rows])))
            left = part.filter(pa.array(held[rows]))
            writer.refuse(refused(left, "held_out", "a training looks at it and does not learn from it"))
        return writer.close()


def _held(root: Folder, table: Table, share: float, seed: int) -> npt.NDArray[np.bool_]:
    """bool [n]: a review is on the same side in every table. ValueError if that leaves one side empty."""
    held = np.zeros(table.rows, bool)
    for part, rows in numbered(root, table, ["id", "review_id"]):
        # An example of another task is about no review.
        about = pc.coalesce(part["review_id"], part["id"]).combine_chunks()
        held[rows] = hash_strings(about, seed_for("hold-out", seed)) < np.uint64(share * 2**64)
    if not 0 < held.sum() < len(held):
        raise ValueError(
            f"held_out: a share of {share} leaves {held.sum()} of {len(held)} examples to look at; "
            "change it, or leave `watch` out of the training"
        )
    return held

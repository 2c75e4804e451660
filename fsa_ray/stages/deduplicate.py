"""Drop reviews that say the same: equal texts always, nearly equal ones on demand."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fsa_ray.core.artifact import Flow, Rows, Table
from fsa_ray.core.scratch import scratch_file
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.core.tables import iter_slices, numbered
from fsa_ray.schemas.rows import REVIEW
from fsa_ray.sentiment.duplicates import (
    PERMUTATIONS,
    Signatures,
    first_of_alike,
    first_of_equal,
    signatures,
    text_digests,
)
from fsa_ray.stages.rows import RowWriter, refused

Mask = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.int64]


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
        table = ctx.load(self.reviews).kept
        equal = first_of_equal(_concat(text_digests(part["text"]) for part in iter_slices(ctx.root, table, ["text"])))
        firsts = {"duplicate": equal}
        if self.near:
            firsts["near_duplicate"] = self._first_of_alike(ctx, table, equal == np.arange(len(equal)))
        return _parted(ctx, table, firsts)

    def _first_of_alike(self, ctx: StageContext, table: Table, distinct: Mask) -> Numbers:
        """For each row (n,) the first row that is alike, among the distinct ones; for the others their own number."""
        numbers = np.flatnonzero(distinct)
        first = np.arange(len(distinct))
        with _scratch(len(numbers)) as matrix:
            filled = 0
            for part, rows in numbered(ctx.root, table, ["text"]):
                found = signatures(part["text"].filter(pa.array(distinct[rows])), seed=self.seed + 1)
                matrix[filled : filled + len(found)] = found
                filled += len(found)
            first[numbers] = numbers[first_of_alike(matrix, threshold=self.similarity)]
        return first


@contextmanager
def _scratch(rows: int) -> Iterator[Signatures]:
    """Room for signatures (rows, PERMUTATIONS) in a file: of a hundred million rows they take 51 GB."""
    if not rows:
        yield np.zeros((0, PERMUTATIONS), np.uint32)
        return
    with scratch_file(f"the signatures of {rows:,} reviews", rows * PERMUTATIONS * np.uint32().itemsize) as file:
        file.truncate(rows * PERMUTATIONS * np.uint32().itemsize)
        yield np.memmap(file, np.uint32, "r+", shape=(rows, PERMUTATIONS), order="F")


def _parted(ctx: StageContext, table: Table, firsts: dict[str, Numbers]) -> Rows:
    """Keeps the rows that are the first of their kind in every way; the others are rejects, reason by reason."""
    writer = RowWriter(ctx, REVIEW)
    own = np.arange(table.rows)
    for part, rows in numbered(ctx.root, table, REVIEW.names):
        keep = np.all([first[rows] == own[rows] for first in firsts.values()], axis=0)
        writer.keep(part.filter(pa.array(keep)))
    named = np.unique(np.concatenate([first[first != own] for first in firsts.values()]))
    ids = _ids_of(ctx, table, named)
    for reason, first in firsts.items():
        for part, rows in numbered(ctx.root, table, REVIEW.names):
            others = first[rows] != own[rows]
            firsts_here = ids.take(pa.array(np.searchsorted(named, first[rows][others]))).to_pylist()
            details = [f"says the same as {row}" for row in firsts_here]
            writer.refuse(refused(part.filter(pa.array(others)), reason, details))
    return writer.close()


def _ids_of(ctx: StageContext, table: Table, numbers: Numbers) -> pa.Array:
    """Of the rows with these numbers, which rise."""
    found = []
    for part, rows in numbered(ctx.root, table, ["id"]):
        start, stop = np.searchsorted(numbers, (rows.start, rows.stop))
        found.append(part["id"].take(pa.array(numbers[start:stop] - rows.start)))
    chunks = [chunk for column in found for chunk in column.chunks]
    return pa.chunked_array(chunks, pa.string()).cast(pa.large_string()).combine_chunks()


def _concat(digests: Iterable[pa.Array]) -> pa.Array:
    return pa.concat_arrays([pa.array([], pa.binary(16)), *digests])

"""Which packed rows a training step reads, and reading them."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fsa_ray.core.artifact import Table
from fsa_ray.core.tables import iter_parts
from fsa_ray.storage.folder import Folder
from fsa_ray.training.packing import Int32s, Ints


@dataclass(frozen=True)
class StepRows:
    """The order of rows over a whole run: epoch `e` is `permutation(seed, e)`, and epochs follow one another.

    Step `k` reads places `k * global_batch` to `(k + 1) * global_batch` of that endless sequence. Batches run across
    the end of an epoch, so every row is seen equally often: in a run of `steps(epochs)` steps each row `epochs` times
    and, where the last batch needs filling, the first rows of the next epoch once more.
    """

    row_count: int
    global_batch: int
    seed: int

    def __post_init__(self) -> None:
        if self.row_count < 1:
            raise ValueError("the corpus has no packed rows; look at its rejects for the reason")

    def steps(self, epochs: float) -> int:
        """Steps that show each row `epochs` times (rounded up to a whole batch)."""
        return -int(-epochs * self.row_count // self.global_batch)

    def of_step(self, step: int, rank: int = 0, world: int = 1) -> Ints:
        """Row numbers that worker `rank` of `world` reads in `step`: its contiguous share, int64."""
        share = self.global_batch // world
        places = np.arange(share) + step * self.global_batch + rank * share
        epochs, within = np.divmod(places, self.row_count)
        rows = np.empty(share, np.int64)
        for epoch in np.unique(epochs).tolist():
            chosen = epochs == epoch
            rows[chosen] = _permutation(self.row_count, self.seed, epoch)[within[chosen]]
        return rows


@lru_cache(maxsize=2)
def _permutation(row_count: int, seed: int, epoch: int) -> Ints:
    return np.random.default_rng([seed, 1, epoch]).permutation(row_count)


def accumulation(global_batch: int, workers: int, micro_batch: int) -> int:
    """Micro-batches that each worker runs per step. ValueError if they do not add up to the global batch."""
    each, rest = divmod(global_batch, workers * micro_batch)
    if rest or not each:
        raise ValueError(
            f"global_batch {global_batch} is not a multiple of workers x micro_batch ({workers} x {micro_batch}); "
            "the global batch is part of the result, so change the placement's workers or micro_batch"
        )
    return each


@dataclass(frozen=True)
class PackedRows:
    """Packed rows in memory: tokens, labels and positions are int32 [rows, row_length], answer_tokens int32 [rows]."""

    tokens: Int32s
    labels: Int32s
    positions: Int32s
    answer_tokens: Int32s

    def __len__(self) -> int:
        return len(self.tokens)


def read_rows(root: Folder, corpus: Table) -> PackedRows:
    """The packed rows of `corpus`, whose keys lie below `root`; row numbers count through its files in order.

    ValueError when a file is missing, or was packed to another length than the first.
    """
    if not corpus.files:
        raise ValueError("no corpus files to train on")
    columns = ["tokens", "labels", "positions", "answer_tokens"]
    try:
        tables = list(iter_parts(root, corpus, columns))
    except FileNotFoundError as error:
        raise ValueError(f"corpus file {error.filename or error} not found below {root.url}") from error
    for file, table in zip(corpus.files, tables, strict=True):
        if table.schema != tables[0].schema:
            raise ValueError(f"{file.key}: rows are not packed like those of {corpus.files[0].key}; pack them together")
    table = pa.concat_tables(tables)
    tokens, labels, positions = (_matrix(table[name]) for name in columns[:3])
    return PackedRows(tokens, labels, positions, table["answer_tokens"].to_numpy())


def _matrix(column: pa.ChunkedArray) -> NDArray[np.int32]:
    width = column.type.list_size
    flat = pa.concat_arrays([chunk.flatten() for chunk in column.chunks]) if column.num_chunks else pa.array([])
    matrix: Int32s = flat.to_numpy(zero_copy_only=False).astype(np.int32, copy=False).reshape(-1, width)
    return matrix

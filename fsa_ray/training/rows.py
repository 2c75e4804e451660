"""Rows of a corpus in memory, as the training loop asks for them."""

from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from fsa_ray.core.artifact import Table
from fsa_ray.core.tables import iter_parts
from fsa_ray.storage.folder import Folder
from fsa_ray.training.packed_rows import PackedRows
from fsa_ray.training.packing import Int32s, Ints
from fsa_ray.training.pair_rows import PairRows
from fsa_ray.training.soft_targets import SoftTargets


class Rows(Protocol):
    """What both kinds of students read: packed rows, and pairs of texts."""

    @property
    def answer_tokens(self) -> Int32s:
        """Of each row."""
        ...

    @property
    def soft(self) -> SoftTargets | None:
        """The teacher's probabilities of label words; None if no row has any."""
        ...

    @property
    def highest_token(self) -> int: ...

    def __len__(self) -> int: ...

    def dealt(self, numbers: Ints, workers: int, micro_batch: int) -> Ints:
        """Who reads which rows of a step when: row numbers [workers, micro-batches, micro_batch]."""
        ...

    def arrays(self, numbers: Ints, beside: Ints | None = None) -> dict[str, Any]:
        """The first arguments of the student's forward, as integer arrays; `beside` are the rows that all workers
        read at that moment, where their shapes must agree."""
        ...

    def soft_places(self, row: Ints, place: Ints, arrays: dict[str, Any]) -> Ints:
        """Index, among all states of a micro-batch, of the state that predicts the token at `place` of `row`."""
        ...


def read_rows(root: Folder, corpus: Table) -> Rows:
    """The rows of `corpus`, whose keys lie below `root`; row numbers count through its files in order.

    ValueError when a file is missing, or was packed otherwise than the first.
    """
    if not corpus.files:
        raise ValueError("no corpus files to train on")
    try:
        tables = list(iter_parts(root, corpus))
    except FileNotFoundError as error:
        raise ValueError(f"corpus file {error.filename or error} not found below {root.url}") from error
    for file, table in zip(corpus.files, tables, strict=True):
        if table.schema != tables[0].schema:
            raise ValueError(f"{file.key}: rows are not packed like those of {corpus.files[0].key}; pack them together")
    whole = pa.concat_tables(tables)
    return PairRows.of(whole) if "target" in whole.column_names else PackedRows.of(whole)


def filled(count: int, workers: int, micro_batch: int) -> tuple[Ints, Any]:
    """Row numbers 0 to `count`, filled up to whole micro-batches of all workers, and which of them count."""
    whole = -(-count // (workers * micro_batch)) * workers * micro_batch
    return np.arange(whole) % count, np.arange(whole) < count

"""Packed rows in memory, for causal language models."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fsa_ray.training.packing import Int32s, Ints
from fsa_ray.training.soft_targets import SoftTargets, read_soft


@dataclass(frozen=True)
class PackedRows:
    """tokens, labels and positions are int32 [rows, row_length], answer_tokens int32 [rows]."""

    tokens: Int32s
    labels: Int32s
    positions: Int32s
    answer_tokens: Int32s
    soft: SoftTargets | None = None

    @classmethod
    def of(cls, table: pa.Table) -> "PackedRows":
        tokens, labels, positions = (_matrix(table[name]) for name in ("tokens", "labels", "positions"))
        return cls(tokens, labels, positions, table["answer_tokens"].to_numpy(), read_soft(table))

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def highest_token(self) -> int:
        return int(self.tokens.max())

    def dealt(self, numbers: Ints, workers: int, micro_batch: int) -> Ints:
        """Each worker its contiguous share: all rows are equally long."""
        dealt: Ints = numbers.reshape(workers, -1, micro_batch)
        return dealt

    def arrays(self, numbers: Ints, beside: Ints | None = None) -> dict[str, Any]:
        return {name: getattr(self, name)[numbers] for name in ("tokens", "labels", "positions")}

    def soft_places(self, row: Ints, place: Ints, arrays: dict[str, Any]) -> Ints:
        """The state before a token predicts it."""
        return row * int(arrays["tokens"].shape[1]) + place - 1


def _matrix(column: pa.ChunkedArray) -> NDArray[np.int32]:
    width = column.type.list_size
    flat = pa.concat_arrays([chunk.flatten() for chunk in column.chunks]) if column.num_chunks else pa.array([])
    matrix: Int32s = flat.to_numpy(zero_copy_only=False).astype(np.int32, copy=False).reshape(-1, width)
    return matrix

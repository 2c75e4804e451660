"""Pairs of texts in memory, for encoder-decoders."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from fsa_ray.training.packing import IGNORE, Int32s, Ints
from fsa_ray.training.soft_targets import SoftTargets, read_soft


@dataclass(frozen=True)
class Ragged:
    """Rows of unequal length: number `n` is `values[offsets[n]:offsets[n + 1]]`."""

    values: Int32s
    offsets: Ints

    @classmethod
    def of(cls, column: pa.ChunkedArray) -> "Ragged":
        lists = column.combine_chunks()
        lengths = pa.compute.list_value_length(lists).to_numpy(zero_copy_only=False)
        return cls(lists.flatten().to_numpy(), np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64))

    @property
    def lengths(self) -> Ints:
        return np.diff(self.offsets)

    def padded(self, numbers: Ints, pad: int, longest: int | None = None) -> Ints:
        """int64 [rows, longest of them, or `longest`]."""
        lengths = self.lengths[numbers]
        columns = np.arange(longest or lengths.max())
        inside = columns < lengths[:, None]
        found = np.full(inside.shape, pad, np.int64)
        found[inside] = self.values[(self.offsets[numbers][:, None] + columns)[inside]]
        return found


@dataclass(frozen=True)
class PairRows:
    """What is read and what is to be written, as token ids; answer_tokens int32 [pairs]."""

    source: Ragged
    target: Ragged
    answer_tokens: Int32s
    soft: SoftTargets | None = None

    @classmethod
    def of(cls, table: pa.Table) -> "PairRows":
        source, target = Ragged.of(table["source"]), Ragged.of(table["target"])
        return cls(source, target, target.lengths.astype(np.int32), read_soft(table))

    def __len__(self) -> int:
        return len(self.answer_tokens)

    @property
    def highest_token(self) -> int:
        return int(max(self.source.values.max(), self.target.values.max()))

    def dealt(self, numbers: Ints, workers: int, micro_batch: int) -> Ints:
        """Pairs of like length together, and at the same time in all workers: little is padded and nobody waits. The
        loss is a sum over the step's pairs, so who reads which does not change it."""
        longest = np.argsort(-(self.source.lengths + self.target.lengths)[numbers], kind="stable")
        dealt: Ints = numbers[longest].reshape(-1, workers, micro_batch).transpose(1, 0, 2)
        return dealt

    def arrays(self, numbers: Ints, beside: Ints | None = None) -> dict[str, Any]:
        """Targets are as long in all workers: under ZeRO-3 each must run the head equally often."""
        tokens = self.source.padded(numbers, 0)
        longest = None if beside is None else int(self.target.lengths[beside].max())
        mask = np.arange(tokens.shape[1]) < self.source.lengths[numbers][:, None]
        return {"tokens": tokens, "mask": mask.astype(np.int64), "labels": self.target.padded(numbers, IGNORE, longest)}

    def soft_places(self, row: Ints, place: Ints, arrays: dict[str, Any]) -> Ints:
        """A decoder's state predicts the label at its own place."""
        return row * int(arrays["labels"].shape[1]) + place

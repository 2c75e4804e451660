"""The teacher's probabilities of label words, where a student's answer begins: ragged arrays and Arrow columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

NOTHING = -1
"""Token id that fills up the label words of an answer that has fewer than others."""

COLUMNS = ("soft_places", "soft_tokens", "soft_logprobs")

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class LabelWords:
    """The label words of one example: their first tokens for the student, and the teacher's log-probabilities."""

    tokens: tuple[int, ...]
    logprobs: tuple[float, ...]


def label_words(firsts: Sequence[int], logprobs: Sequence[float]) -> LabelWords | None:
    """Words that begin with the same token are one word with the sum of their probabilities, since no student can
    tell them apart at the first token; None where all of them do."""
    distinct = list(dict.fromkeys(firsts))
    if len(distinct) < 2:
        return None
    owner = np.array([distinct.index(first) for first in firsts])
    values = np.asarray(logprobs, np.float64)
    summed = [float(np.logaddexp.reduce(values[owner == n])) for n in range(len(distinct))]
    return LabelWords(tuple(distinct), tuple(summed))


@dataclass(frozen=True)
class SoftTargets:
    """Of each row the answers that have label words: number `n` has those from `offsets[n]` to `offsets[n + 1]`.

    places [A]: position in the row of the answer's first token. tokens [A, K] and logprobs [A, K]: the label words,
    filled up with NOTHING.
    """

    offsets: Ints
    places: Ints
    tokens: Ints
    logprobs: Floats

    def of_rows(self, numbers: Ints) -> tuple[Ints, Ints, Ints, Floats]:
        """Of these rows, one after the other: which of them (0-based), places, tokens, logprobs."""
        counts = self.offsets[numbers + 1] - self.offsets[numbers]
        row = np.repeat(np.arange(len(numbers)), counts)
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        chosen = np.repeat(self.offsets[numbers], counts) + within
        return row, self.places[chosen], self.tokens[chosen], self.logprobs[chosen]

    def count(self, numbers: Ints) -> int:
        return int((self.offsets[numbers + 1] - self.offsets[numbers]).sum())


def soft_columns(words: Sequence[LabelWords | None], rows: Ints, places: Ints, row_count: int) -> list[pa.Array]:
    """COLUMNS of a table of `row_count` rows, from examples that stand in `rows` (ascending) at `places`."""
    has = np.array([word is not None for word in words], bool)
    width = max((len(word.tokens) for word in words if word is not None), default=0)
    tokens = np.full((int(has.sum()), width), NOTHING, np.int32)
    logprobs = np.full((int(has.sum()), width), -np.inf, np.float32)
    for number, word in enumerate(word for word in words if word is not None):
        tokens[number, : len(word.tokens)] = word.tokens
        logprobs[number, : len(word.tokens)] = word.logprobs
    counts = np.bincount(rows[has], minlength=row_count)
    offsets = np.concatenate([[0], np.cumsum(counts)])
    return [
        _lists(places[has].astype(np.int32), offsets),
        _lists(tokens.reshape(-1), offsets * width),
        _lists(logprobs.reshape(-1), offsets * width),
    ]


def read_soft(table: pa.Table) -> SoftTargets | None:
    """From the columns of a packed table; None for one without them, or without any label word."""
    if not set(COLUMNS) <= set(table.column_names):
        return None
    lists = table[COLUMNS[0]].combine_chunks()
    places = lists.flatten().to_numpy().astype(np.int64)
    if not len(places):
        return None
    counts = pa.compute.list_value_length(lists).to_numpy(zero_copy_only=False)
    tokens, logprobs = (table[name].combine_chunks().flatten().to_numpy() for name in COLUMNS[1:])
    return SoftTargets(
        np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        places,
        tokens.reshape(len(places), -1).astype(np.int64),
        logprobs.reshape(len(places), -1),
    )


def _lists(values: Any, offsets: Any) -> pa.Array:
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), pa.array(values))

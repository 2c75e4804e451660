"""Contamination: texts of a corpus that share runs of words with evaluation texts."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fsa_ray.sentiment.words import Hashes, hashed_words, runs

RUN = 13
LEAST = 5

Rows = npt.NDArray[np.int64]


class _Table(NamedTuple):
    """Runs of one length: sorted distinct hashes, and the first evaluation text that holds each."""

    words: int
    hashes: Hashes
    owners: Rows


class EvaluationRuns:
    """The runs of words of a set of evaluation texts, to be looked up in a corpus.

    A text of `run` words or more counts with all its runs of that length. A shorter one counts as a whole: wherever a
    corpus text contains it if it has `least` words or more, else only where a corpus text is nothing but it.

    Errors: ValueError unless 1 <= least <= run.
    """

    def __init__(self, texts: pa.Array | pa.ChunkedArray, *, run: int = RUN, least: int = LEAST) -> None:
        if not 1 <= least <= run:
            raise ValueError(f"least {least} and run {run} do not fit: 1 <= least <= run")
        words = hashed_words(texts)
        counts = words.counts
        self._tables: list[_Table] = []
        for length in range(least, run + 1):
            wanted = counts >= length if length == run else counts == length
            if length == least:
                wanted |= (counts > 0) & (counts < least)
            found = runs(words, length)
            owners = np.repeat(np.arange(len(counts)), found.counts)
            mine = wanted[owners]
            hashes, first = np.unique(found.hashes[mine], return_index=True)
            if len(hashes):
                self._tables.append(_Table(length, hashes, owners[mine][first]))

    def first_overlap(self, texts: pa.Array | pa.ChunkedArray) -> Rows:
        """For each corpus text (n,) the number of the first evaluation text that it overlaps with, or -1."""
        words = hashed_words(texts)
        none = np.iinfo(np.int64).max
        first = np.full(len(words.counts), none)
        for table in self._tables:
            found = runs(words, table.words)
            at = np.minimum(np.searchsorted(table.hashes, found.hashes), len(table.hashes) - 1)
            hit = np.flatnonzero(table.hashes[at] == found.hashes)
            rows = np.searchsorted(found.offsets, hit, side="right") - 1
            np.minimum.at(first, rows, table.owners[at[hit]])
        return np.where(first == none, -1, first)

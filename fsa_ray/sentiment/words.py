"""Texts as hashed words and runs of words, for whole columns."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fsa_ray.sentiment.hashes import hash_strings, mix

_LONGEST_WORD = 64
_ALONE = r"([\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}])"

Hashes = npt.NDArray[np.uint64]
Offsets = npt.NDArray[np.int64]


class Words(NamedTuple):
    """Hashes of all words one after the other, and offsets (n + 1,): row i has words offsets[i] to offsets[i + 1]."""

    hashes: Hashes
    offsets: Offsets

    @property
    def counts(self) -> Offsets:
        return np.diff(self.offsets)


def hashed_words(texts: pa.Array | pa.ChunkedArray) -> Words:
    """The words of texts (n,): runs of letters and digits without regard to case and compatibility forms, each
    character alone in scripts without blanks; words beyond 64 characters are cut."""
    column = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
    plain = pc.utf8_lower(pc.utf8_normalize(column, "NFKC"))
    plain = pc.replace_substring_regex(plain, _ALONE, r" \1 ")
    plain = pc.utf8_trim_whitespace(pc.replace_substring_regex(plain, r"[^\pL\pM\pN]+", " "))
    split = pc.split_pattern(plain, " ")
    flat = pc.list_flatten(split)
    spoken = pc.not_equal(flat, "").to_numpy(zero_copy_only=False)
    counts = pc.fill_null(pc.list_value_length(split), 0).to_numpy().astype(np.int64)
    # A text without words is split into one empty word.
    before = np.concatenate([[0], np.cumsum(spoken)])
    ends = np.concatenate([[0], np.cumsum(counts)])
    encoded = flat.filter(pa.array(spoken)).dictionary_encode()
    vocabulary = hash_strings(pc.utf8_slice_codeunits(encoded.dictionary, 0, _LONGEST_WORD))
    return Words(vocabulary[encoded.indices.to_numpy()], before[ends])


def runs(words: Words, n: int) -> Words:
    """All runs of `n` words in each row; a row with fewer words, but at least one, is one run as a whole."""
    counts = words.counts
    per_row = np.where(counts > 0, np.maximum(counts - n + 1, 1), 0)
    offsets = np.concatenate([[0], np.cumsum(per_row)])
    starts = np.repeat(words.offsets[:-1] - offsets[:-1], per_row) + np.arange(offsets[-1])
    length = np.repeat(np.minimum(counts, n), per_row)
    hashes = mix(length.astype(np.uint64))
    for k in range(n):
        inside = np.flatnonzero(length > k)
        hashes[inside] = mix(hashes[inside] ^ words.hashes[starts[inside] + k])
    return Words(hashes, offsets)

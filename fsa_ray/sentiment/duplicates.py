"""Exact and near duplicates among texts. Of equal or alike texts the first in order is kept."""

from hashlib import blake2b

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fsa_ray.sentiment.words import Words, hashed_words, runs

PERMUTATIONS = 128
SHINGLE = 3
_SURE = 0.999
_LAGS = 32

Signatures = npt.NDArray[np.uint32]
Rows = npt.NDArray[np.int64]


def text_digests(texts: pa.Array | pa.ChunkedArray) -> pa.Array:
    """128-bit digests (n,) of texts without regard to case, compatibility forms and white space."""
    plain = pc.utf8_lower(pc.utf8_normalize(texts, "NFKC"))
    plain = pc.utf8_trim_whitespace(pc.replace_substring_regex(plain, r"[\s\pZ]+", " "))
    digests = [blake2b(text.encode(), digest_size=16).digest() for text in plain.to_pylist()]
    return pa.array(digests, pa.binary(16))


def first_of_equal(digests: pa.Array | pa.ChunkedArray) -> Rows:
    """For each row (n,) the first row with the same digest: its own number if the row is to be kept."""
    column = digests.combine_chunks() if isinstance(digests, pa.ChunkedArray) else digests
    codes = column.dictionary_encode().indices.to_numpy()
    # Codes are given in the order of first occurrence.
    _, first = np.unique(codes, return_index=True)
    return np.asarray(first[codes], dtype=np.int64)


def signatures(texts: pa.Array | pa.ChunkedArray, *, seed: int = 1, permutations: int = PERMUTATIONS) -> Signatures:
    """MinHash signatures (n, permutations) of the sets of word triples; equal for equal seeds in every batch.

    A text of fewer words is one shingle; a text without words gets a signature of its characters.
    """
    from rensa import RMinHash

    column = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
    shingles = runs(hashed_words(column), SHINGLE)
    wordless = np.flatnonzero(shingles.counts == 0)
    if len(wordless):
        shingles = _with_digests(shingles, wordless, text_digests(column.take(pa.array(wordless))))
    if not len(column):
        return np.zeros((0, permutations), np.uint32)
    matrix = RMinHash.digest_matrix_from_flat_token_hashes(
        shingles.hashes, shingles.offsets.astype(np.uint64), permutations, seed
    )
    return np.array(matrix.to_rows(), np.uint32)


def first_of_alike(matrix: Signatures, *, threshold: float = 0.8) -> Rows:
    """For each row (n,) the first row of its cluster: its own number if the row is to be kept.

    Rows that share a band of their signatures (LSH) and agree in at least `threshold` of all positions, an estimate of
    Jaccard similarity, are linked; clusters are the connected components. What is read of `matrix` at a time are
    columns: store it by columns (order "F") if it lies on a disk. Errors: ValueError for a threshold outside (0, 1].
    """
    if not 0.0 < threshold <= 1.0:
        raise ValueError(f"the similarity threshold is {threshold}: it must be above 0 and at most 1")
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n = len(matrix)
    left, right = _alike(matrix, _candidates(matrix, _rows_per_band(matrix.shape[1], threshold)), threshold)
    graph = coo_array((np.ones(len(left), np.int8), (left, right)), shape=(n, n))
    labels = connected_components(graph, directed=False)[1] if n else np.zeros(0, np.int64)
    _, first = np.unique(labels, return_index=True)
    return np.asarray(first[labels], dtype=np.int64)


def _with_digests(shingles: Words, rows: Rows, digests: pa.Array) -> Words:
    halves = np.frombuffer(b"".join(digests.to_pylist()), np.uint64).reshape(-1, 2)
    hashes = np.insert(shingles.hashes, shingles.offsets[rows], halves[:, 0])
    counts = shingles.counts.copy()
    counts[rows] = 1
    return Words(hashes, np.concatenate([[0], np.cumsum(counts)]))


def _rows_per_band(permutations: int, threshold: float) -> int:
    """The longest bands that still bring nearly every pair at the threshold together."""
    rows = np.arange(1, permutations + 1)
    found = 1.0 - (1.0 - threshold**rows) ** (permutations // rows)
    return int(rows[found >= _SURE].max(initial=1))


def _candidates(matrix: Signatures, rows_per_band: int) -> Rows:
    """Pairs (m, 2) of rows, smaller first, that agree in a whole band.

    In buckets of over 32 rows each row is paired with its 31 next and with the bucket's first, which keeps crowds of
    one template from growing quadratically.
    """
    n, width = matrix.shape
    found = [np.zeros(0, np.int64)]
    for start in range(0, width - rows_per_band + 1, rows_per_band):
        band = np.ascontiguousarray(matrix[:, start : start + rows_per_band])
        keys = band.view(f"V{band.itemsize * rows_per_band}").ravel()
        _, codes = np.unique(keys, return_inverse=True)
        order = np.argsort(codes, kind="stable")
        codes = codes[order]
        firsts = np.searchsorted(codes, codes)
        far = np.flatnonzero(np.arange(n) - firsts >= _LAGS)
        found.append(order[firsts[far]] * n + order[far])
        near = np.arange(n)
        for lag in range(1, _LAGS):
            near = near[near < n - lag]
            near = near[codes[near] == codes[near + lag]]
            found.append(order[near] * n + order[near + lag])
    return np.stack(np.divmod(np.unique(np.concatenate(found)), max(n, 1)), axis=1)


def _alike(matrix: Signatures, pairs: Rows, threshold: float) -> tuple[Rows, Rows]:
    """Column by column, so that of a matrix on a disk each is read once, from one end to the other."""
    wanted = np.ceil(threshold * matrix.shape[1] - 1e-9)
    left, right = np.ascontiguousarray(pairs[:, 0]), np.ascontiguousarray(pairs[:, 1])
    agreeing = np.zeros(len(pairs), np.int32)
    for column in matrix.T:
        values = np.array(column)
        agreeing += values[left] == values[right]
    return left[agreeing >= wanted], right[agreeing >= wanted]

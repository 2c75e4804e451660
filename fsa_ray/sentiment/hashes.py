"""64-bit hashes of strings and of numbers, for whole columns at once."""

import hashlib

import numpy as np
import numpy.typing as npt
import pyarrow as pa

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def mix(words: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """The finaliser of splitmix64: a bijection of 64-bit words in which each input bit moves half of the output."""
    mixed = words + _GOLDEN
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(mixed ^ (mixed >> np.uint64(31)), dtype=np.uint64)


def hash_strings(strings: pa.Array, seed: int = 0) -> npt.NDArray[np.uint64]:
    """One hash per string, shape (n,), from its UTF-8 bytes and the seed alone.

    Works word by word over the column, so its cost grows with the longest string: meant for ids and words.
    Errors: ValueError if a string is null.
    """
    if strings.null_count:
        raise ValueError(f"{strings.null_count} null strings cannot be hashed: drop these rows first")
    values = strings.cast(pa.large_binary())
    if not len(values):
        return np.zeros(0, np.uint64)
    offsets = np.frombuffer(values.buffers()[1], np.int64)[values.offset :][: len(values) + 1]
    lengths = np.diff(offsets)
    hashes = mix(np.full(len(values), seed % 2**64, np.uint64) ^ lengths.astype(np.uint64))
    if not lengths.any():
        return hashes
    data = np.frombuffer(values.buffers()[2], np.uint8)
    data = np.concatenate([data[offsets[0] : offsets[-1]], np.zeros(8, np.uint8)])
    starts = offsets[:-1] - offsets[0]
    for first in range(0, int(lengths.max()), 8):
        rows = np.flatnonzero(lengths > first)
        at = starts[rows] + first
        word = np.zeros(len(rows), np.uint64)
        for k in range(8):
            byte = np.where(first + k < lengths[rows], data[at + k], 0).astype(np.uint64)
            word |= byte << np.uint64(8 * k)
        hashes[rows] = mix(hashes[rows] ^ word)
    return hashes


def seed_for(purpose: str, seed: int) -> int:
    """A seed of 64 bits for one purpose: draws of two stages from the same ids must not know of each other, or what one
    keeps decides what the other takes."""
    return int.from_bytes(hashlib.sha256(f"{purpose}\0{seed}".encode()).digest()[:8], "little")


def lowest(hashes: npt.NDArray[np.uint64], count: int) -> npt.NDArray[np.bool_]:
    """Marks (n,) the `count` smallest hashes, of equal ones the first: a random draw that knows no order of rows."""
    if count >= len(hashes):
        return np.ones(len(hashes), bool)
    border = np.partition(hashes, count)[count]
    below = np.asarray(hashes < border, dtype=bool)
    ties = np.flatnonzero(hashes == border)[: count - int(below.sum())]
    below[ties] = True
    return below


def uniforms(hashes: npt.NDArray[np.uint64]) -> npt.NDArray[np.float64]:
    """Numbers in [0, 1) from the upper 53 bits of hashes."""
    return (hashes >> np.uint64(11)).astype(np.float64) * 2.0**-53

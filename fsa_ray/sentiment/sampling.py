"""Difficulty-prioritised sampling (CompEffDist): keep the examples that are as hard as wanted, in every group.

An example's quantile x in its group is kept with probability F(x), which peaks at `peak` = a and falls to both sides:
F(x) = (x / a)^b for x < a, ((1 - x) / (1 - a))^b for x >= a. Its integral is 1 / (b + 1) for every a, so the rate r
gives b = 1 / r - 1. Unlike the released code, F is scaled within each group so that a group of any size has the
expected size r * n: otherwise small groups starve.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from fsa_ray.sentiment.hashes import mix, uniforms

Method = Literal["soft", "hard", "random"]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Sample:
    """What was drawn, one entry per example in the order given.

    `keep`: bool. `quantile`: (i + 0.5) / n of the example within its group, 0 easiest. `probability`: with which it
    was to be kept.
    """

    keep: npt.NDArray[np.bool_]
    quantile: Floats
    probability: Floats


def keep_curve(x: Floats, rate: float, peak: float) -> Floats:
    """F(x) for quantiles x in (0, 1), as in the paper, before it is scaled for a group.

    Errors: ValueError unless 0 < rate <= 1 and 0 <= peak <= 1.
    """
    return np.asarray(np.exp(_log_curve(x, rate, peak)), dtype=np.float64)


def sample(
    difficulty: npt.ArrayLike,
    hashes: npt.NDArray[np.uint64],
    groups: npt.NDArray[np.int32] | None = None,
    *,
    rate: float,
    seed: int,
    peak: float = 1.0,
    method: Method = "soft",
    exact: bool = False,
) -> Sample:
    """Draw about `rate` of the examples of each group.

    difficulty (n,), higher is harder; hashes (n,) of the examples' ids under the seed; groups (n,) the number of each
    example's group, from 0, or None for one group.
    `soft` keeps by F; `hard` keeps the hardest `rate` of a group (the one on the border with the remaining
    probability); `random` ignores difficulty. With `exact` the sample has round(rate * n) examples in all, and each
    group within one of its share; without it an example's fate depends on nothing but its probability, id and seed.
    The order of the rows never matters: ties of difficulty are broken by id. Which examples are drawn together depends
    on ids and seed alone, never on difficulty: two seeds share about as many as chance would have it.

    Errors: ValueError for a rate, peak or method out of range, NaN or infinite difficulty, columns of different length.
    """
    values = np.asarray(difficulty, dtype=np.float64)
    codes = np.zeros(len(values), np.int32) if groups is None else groups
    _check(values, hashes, codes, rate, peak, method)
    order = np.lexsort((mix(~hashes), values, codes))
    sizes = np.bincount(codes)
    sizes = sizes[sizes > 0]
    place = np.arange(len(values)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    size = np.repeat(sizes, sizes).astype(np.float64)
    x = (place + 0.5) / np.maximum(size, 1)
    if method == "soft":
        p = _scaled(_log_curve(x, rate, peak), sizes, rate)
    elif method == "hard":
        p = np.clip(rate * size - (size - 1 - place), 0.0, 1.0)
    else:
        p = np.full(len(values), rate)
    quantile, probability = _scatter(x, order), _scatter(p, order)
    if not exact:
        return Sample(uniforms(hashes) < probability, quantile, probability)
    # In the order of difficulty, or of the groups' names, a row's neighbours would decide its fate under any seed.
    shuffled = mix(np.arange(codes.max(initial=0) + 1, dtype=np.uint64) ^ mix(np.array([seed % 2**64], np.uint64)))
    mingled = np.lexsort((hashes, shuffled[codes]))
    keep = _scatter(_systematic(probability[mingled], rate, seed), mingled)
    return Sample(keep, quantile, probability)


def _log_curve(x: Floats, rate: float, peak: float) -> Floats:
    _check_rate(rate, peak)
    b = 1.0 / rate - 1.0
    left, right = np.log(x), np.log1p(-x)
    if peak in (0.0, 1.0):
        return b * (left if peak == 1.0 else right)
    return b * np.where(x < peak, left - np.log(peak), right - np.log1p(-peak))


def _scaled(log_weights: Floats, sizes: npt.NDArray[np.int64], rate: float) -> Floats:
    """Probabilities min(1, c * weight) with c such that they sum to rate * n in each run of `sizes` rows."""
    if not len(log_weights):
        return log_weights
    starts = np.cumsum(sizes) - sizes
    # Relative to the largest of the group, since x^b underflows for small rates.
    weights = np.exp(log_weights - np.repeat(np.maximum.reduceat(log_weights, starts), sizes))
    wanted = rate * sizes
    capped = np.zeros(len(weights), dtype=bool)
    while True:
        free = np.add.reduceat(np.where(capped, 0.0, weights), starts)
        rest = wanted - np.add.reduceat(capped.astype(np.float64), starts)
        scale = np.repeat(np.divide(rest, free, out=np.zeros_like(free), where=free > 0), sizes)
        over = ~capped & (scale * weights > 1.0)
        if not over.any():
            return np.where(capped, 1.0, scale * weights)
        capped |= over


def _systematic(p: Floats, rate: float, seed: int) -> npt.NDArray[np.bool_]:
    """Draw exactly round(rate * n) rows with chances p: one wherever the running sum passes a whole number."""
    if not len(p):
        return np.zeros(0, dtype=bool)
    total = rate * len(p)
    count = round(total)
    chance = float(uniforms(mix(np.array([seed % 2**64], np.uint64)))[0])
    low = max(0.0, count - total)
    start = low + chance * (min(1.0, count + 1 - total) - low)
    steps = np.floor(np.concatenate([[0.0], np.cumsum(p)]) + start)
    steps[-1] = count
    return np.diff(np.minimum(steps, count)) > 0


def _scatter(ordered: npt.NDArray[Any], order: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
    back = np.empty_like(ordered)
    back[order] = ordered
    return back


def _check_rate(rate: float, peak: float) -> None:
    if not 0.0 < rate <= 1.0:
        raise ValueError(f"the sampling rate is {rate}: it must be above 0 and at most 1")
    if not 0.0 <= peak <= 1.0:
        raise ValueError(f"the sampling peak is {peak}: it must be from 0 (easiest) to 1 (hardest)")


def _check(
    values: Floats, hashes: npt.NDArray[np.uint64], codes: npt.NDArray[np.int32], rate: float, peak: float, method: str
) -> None:
    _check_rate(rate, peak)
    if method not in ("soft", "hard", "random"):
        raise ValueError(f"no sampling method {method!r}: choose soft, hard or random")
    if not values.shape == hashes.shape == codes.shape:
        raise ValueError(
            f"{len(hashes)} ids and {len(codes)} groups for difficulties of shape {values.shape}: give one for each"
        )
    if not np.isfinite(values).all():
        raise ValueError(f"{(~np.isfinite(values)).sum()} difficulties are not numbers: drop these rows first")

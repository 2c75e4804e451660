"""Uncertainty from per-item statistics: bootstrap intervals, paired tests between two runs, Holm's correction.

Statistics have shape (items, runs, S): `runs` are seeds of one model, and a resample draws items, all runs together.
Everything depends on the multiset of rows only, never on their order.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from fsa_ray.evaluation.task import Floats

Measure = Callable[[Floats], Floats]
"""Summed statistics (..., S) -> value (...)."""


class Difference(NamedTuple):
    """First run minus second run, with a 95 % interval and two-sided p-values."""

    value: float
    low: float
    high: float
    p_bootstrap: float
    p_permutation: float


def mean_of_runs(measure: Measure, sums: Floats) -> Floats:
    """The measure of each run, averaged: sums (..., runs, S) -> (...)."""
    return np.asarray(measure(sums).mean(axis=-1))


def distinct(stats: Floats) -> tuple[Floats, Floats]:
    """Distinct item rows (U, runs, S) in a fixed order, and how often each occurs (U,)."""
    rows, counts = np.unique(stats.reshape(len(stats), -1), axis=0, return_counts=True)
    return rows.reshape(-1, *stats.shape[1:]), counts.astype(np.float64)


def total(stats: Floats) -> Floats:
    """Sum over items (runs, S), the same for any order of items."""
    rows, counts = distinct(stats)
    return np.asarray(np.tensordot(counts, rows, axes=1))


def resample(stats: Floats, resamples: int, seed: int) -> Floats:
    """Sums of `resamples` draws of all items with replacement: (resamples, runs, S).

    Items with equal rows are interchangeable, so the draw is one multinomial over distinct rows.
    """
    rows, counts = distinct(stats)
    draws = np.random.default_rng(seed).multinomial(len(stats), counts / counts.sum(), size=resamples)
    return np.asarray(np.tensordot(draws.astype(np.float64), rows, axes=1))


def interval(stats: Floats, measure: Measure, resamples: int, seed: int) -> tuple[float, float]:
    """95 % percentile bootstrap interval, over items, of the measure averaged over runs."""
    values = mean_of_runs(measure, resample(stats, resamples, seed))
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)


def difference(first: Floats, second: Floats, measure: Measure, resamples: int, seed: int) -> Difference:
    """Compare two models on the same items, in the same order: paired bootstrap and paired permutation.

    The permutation test swaps the two models' answers to random items; both p-values count the observed case in.
    """
    assert first.shape == second.shape
    pairs = np.stack([first, second], axis=1)

    def gap(sums: Floats) -> Floats:
        return mean_of_runs(measure, sums[..., 0, :, :]) - mean_of_runs(measure, sums[..., 1, :, :])

    observed = float(gap(total(pairs)))
    drawn = gap(resample(pairs, resamples, seed))
    low, high = np.percentile(drawn, [2.5, 97.5])
    tail = min(int((drawn <= 0).sum()), int((drawn >= 0).sum()))
    rows, counts = distinct(pairs)
    swapped = np.random.default_rng(seed).binomial(counts.astype(np.int64), 0.5, size=(resamples, len(counts)))
    swaps = swapped.astype(np.float64)
    sums = np.tensordot(counts - swaps, rows, axes=1) + np.tensordot(swaps, rows[:, ::-1], axes=1)
    extreme = int((np.abs(gap(sums)) >= abs(observed) - 1e-12).sum())
    return Difference(
        observed,
        float(low),
        float(high),
        min(1.0, 2 * (tail + 1) / (resamples + 1)),
        (extreme + 1) / (resamples + 1),
    )


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down adjustment for several tests: adjusted p-values in the given order."""
    adjusted = [0.0] * len(p_values)
    running = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        running = max(running, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = running
    return adjusted

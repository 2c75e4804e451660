"""One measurement made several times, under other draws and weights: its mean, and how sure that is."""

import math
from collections.abc import Sequence
from statistics import mean, stdev

from fsa_ray.evaluation.scorecard import Frozen, TaskScore

CONFIDENCE = 0.95


class Repeated(Frozen):
    """A task's score over repetitions, in 0-100.

    `low` and `high`: the 95 % t-interval of the mean over repetitions, which knows how much training and drawing vary
    and takes the test items as given; of a single run, its bootstrap interval over items.
    """

    metric: str
    mean: float
    std: float | None
    low: float
    high: float
    runs: tuple[float, ...]
    n: int
    """Items of one run."""


def repeated(scores: Sequence[TaskScore]) -> Repeated:
    """`scores` are of one task."""
    assert len({(score.task, score.metric) for score in scores}) == 1
    first, runs = scores[0], tuple(score.score for score in scores)
    std = stdev(runs) if len(runs) > 1 else None
    low, high = (first.low, first.high) if std is None else _t_interval(mean(runs), std, len(runs))
    return Repeated(metric=first.metric, mean=mean(runs), std=std, low=low, high=high, runs=runs, n=first.n)


def _t_interval(centre: float, std: float, runs: int) -> tuple[float, float]:
    from scipy.stats import t

    reach = float(t.ppf((1 + CONFIDENCE) / 2, runs - 1)) * std / math.sqrt(runs)
    return centre - reach, centre + reach

"""Comparing two models on the same items, with correction for the number of tasks."""

from collections.abc import Mapping, Sequence

import numpy as np

from fsa_ray.evaluation.intervals import difference, holm, mean_of_runs, total
from fsa_ray.evaluation.scorecard import Frozen, Outcome, metric_of, stack
from fsa_ray.evaluation.task import Task


class Comparison(Frozen):
    """One task in two runs: the first minus the second in points. `p` is of the paired permutation test, `p_holm`
    the same after Holm's correction over the compared tasks."""

    task: str
    metric: str
    first: float
    second: float
    difference: float
    low: float
    high: float
    p: float
    p_bootstrap: float
    p_holm: float


def compare(
    runs: Mapping[str, tuple[Task, Sequence[Outcome], Sequence[Outcome]]], resamples: int = 2000, seed: int = 42
) -> list[Comparison]:
    """Compare two models task by task: task name -> (task, first model's outcomes, second model's outcomes).

    Both must have answered the same items; a single seed is compared with the mean over several. Raises ValueError
    if items or numbers of seeds do not fit.
    """
    found = {}
    for name, (task, first, second) in runs.items():
        if {one.id for one in first} != {one.id for one in second}:
            raise ValueError(f"{name}: the two runs did not answer the same items; evaluate them on the same data")
        left, right = stack(first)[1], stack(second)[1]
        if left.shape[1] != right.shape[1] and 1 not in (left.shape[1], right.shape[1]):
            raise ValueError(f"{name}: {left.shape[1]} seeds against {right.shape[1]}; use equally many")
        shape = np.broadcast_shapes(left.shape, right.shape)
        left, right = np.broadcast_to(left, shape), np.broadcast_to(right, shape)
        measure = metric_of(task)
        levels = [float(mean_of_runs(measure, total(side))) for side in (left, right)]
        found[name] = (task.metric, levels, difference(left, right, measure, resamples, seed))
    adjusted = holm([gap.p_permutation for _, _, gap in found.values()])
    return [
        Comparison(
            task=name,
            metric=metric,
            first=100 * levels[0],
            second=100 * levels[1],
            difference=100 * gap.value,
            low=100 * gap.low,
            high=100 * gap.high,
            p=gap.p_permutation,
            p_bootstrap=gap.p_bootstrap,
            p_holm=p_holm,
        )
        for (name, (metric, levels, gap)), p_holm in zip(found.items(), adjusted, strict=True)
    ]

"""From predictions to scores: outcomes per item, a score per task, a card of tasks."""

from collections.abc import Mapping, Sequence
from statistics import mean, stdev
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from fsa_ray.evaluation.intervals import Measure, interval, mean_of_runs, resample, total
from fsa_ray.evaluation.item import Item, Prediction
from fsa_ray.evaluation.predictions import require_all
from fsa_ray.evaluation.task import Floats, Protocol, Task, require_protocol


class Frozen(BaseModel):
    """A value; unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Outcome(Frozen):
    """What one item's answer was worth. `stats` are additive: summed over items they give every measure."""

    id: str
    seed: int
    gold: Any
    prediction: Any
    correct: bool
    """Nothing missed and nothing wrong."""
    invalid: bool
    missing: bool
    stats: tuple[float, ...]


class TaskScore(Frozen):
    """One task's score. Measures are in 0-100; `low` and `high` are a 95 % bootstrap interval over items.

    `invalid` counts answers that were not legal or held an illegal entry, `missing` items without an answer, both
    over all seeds. `seeds` maps seed to score where a model answered under several seeds: `score` and the other
    measures are then means over them, and `std` the sample standard deviation of the scores.
    """

    task: str
    version: int
    protocol: Protocol
    metric: str
    score: float
    low: float
    high: float
    n: int
    accuracy: float | None = None
    precision: float | None = None
    recall: float | None = None
    invalid: int = 0
    missing: int = 0
    seeds: dict[int, float]
    std: float | None = None


class Scorecard(Frozen):
    """Scores of several tasks; `mean` is their unweighted mean."""

    scores: list[TaskScore]
    mean: float


def outcomes(
    task: Task,
    items: Sequence[Item],
    predictions: Mapping[str, Prediction],
    protocol: Protocol = "strict",
    missing_as_wrong: bool = False,
    seed: int = 0,
) -> list[Outcome]:
    """Judge each item's answer, in item order. `seed` tells the runs of one model apart.

    Raises ValueError for unknown ids, for missing ones unless they count as wrong (nothing predicted), for a
    protocol that the task lacks and for an empty test.
    """
    require_protocol(task, protocol)
    if not items:
        raise ValueError(f"{task.name}: no items to score")
    require_all(items, predictions, missing_as_wrong)
    found = []
    for item in items:
        missing = item.id not in predictions
        prediction = predictions.get(item.id)
        stats, invalid = task.judge(item, prediction, protocol)
        measures = task.measure(np.array(stats))
        found.append(
            Outcome(
                id=item.id,
                seed=seed,
                gold=item.gold,
                prediction=prediction,
                correct=bool(min(float(value) for value in measures.values()) >= 1 - 1e-9),
                invalid=invalid and not missing,
                missing=missing,
                stats=stats,
            )
        )
    return found


def summarise(
    task: Task, judged: Sequence[Outcome], protocol: Protocol = "strict", resamples: int = 2000, seed: int = 42
) -> TaskScore:
    """The score of one task from outcomes of one or several seeds. `seed` draws the bootstrap only."""
    seeds, stats = stack(judged)
    measures = {name: values * 100 for name, values in task.measure(total(stats)).items()}
    per_seed = dict(zip(seeds, measures[task.metric].tolist(), strict=True))
    low, high = interval(stats, metric_of(task), resamples, seed)
    means = {name: float(values.mean()) for name, values in measures.items()}
    return TaskScore(
        task=task.name,
        version=task.version,
        protocol=protocol,
        metric=task.metric,
        score=means[task.metric],
        low=low * 100,
        high=high * 100,
        n=len(stats),
        accuracy=means.get("accuracy"),
        precision=means.get("precision"),
        recall=means.get("recall"),
        invalid=sum(one.invalid for one in judged),
        missing=sum(one.missing for one in judged),
        seeds=per_seed,
        std=stdev(per_seed.values()) if len(per_seed) > 1 else None,
    )


def summaries(
    task: Task,
    items: Sequence[Item],
    judged: Sequence[Outcome],
    protocol: Protocol = "strict",
    resamples: int = 2000,
    seed: int = 42,
) -> dict[str, TaskScore]:
    """The task's score by its name, then that of each view of its test that has items, called `task/view`."""
    found = {task.name: summarise(task, judged, protocol, resamples, seed)}
    for view in task.view_names:
        inside = {item.id for item in items if view in item.extra}
        if part := [outcome for outcome in judged if outcome.id in inside]:
            name = f"{task.name}/{view}"
            found[name] = summarise(task, part, protocol, resamples, seed).model_copy(update={"task": name})
    return found


def score(
    task: Task,
    items: Sequence[Item],
    predictions: Mapping[str, Prediction],
    protocol: Protocol = "strict",
    missing_as_wrong: bool = False,
    resamples: int = 2000,
    seed: int = 42,
) -> TaskScore:
    """Score one run's predictions (by item id). Errors as in `outcomes`."""
    judged = outcomes(task, items, predictions, protocol, missing_as_wrong, seed=seed)
    return summarise(task, judged, protocol, resamples, seed)


def scorecard(scores: Sequence[TaskScore]) -> Scorecard:
    """Collect task scores; ValueError for none."""
    if not scores:
        raise ValueError("a scorecard needs at least one task")
    return Scorecard(scores=list(scores), mean=mean(one.score for one in scores))


def metric_of(task: Task) -> Measure:
    """The task's own metric, as a function of summed statistics."""

    def measure(sums: Floats) -> Floats:
        return task.measure(sums)[task.metric]

    return measure


def stack(judged: Sequence[Outcome]) -> tuple[list[int], Floats]:
    """Seeds, ascending, and statistics (items sorted by id, seeds, S); ValueError if a seed lacks an item."""
    seeds = sorted({one.seed for one in judged})
    ids = sorted({one.id for one in judged})
    cells = {(one.id, one.seed): one.stats for one in judged}
    if len(cells) != len(judged) or len(cells) != len(ids) * len(seeds):
        raise ValueError("each seed must have exactly one outcome for each item")
    return seeds, np.array([[cells[one, seed] for seed in seeds] for one in ids], dtype=np.float64)


def drawn_means(tasks: Sequence[tuple[Task, Floats]], resamples: int = 2000, seed: int = 42) -> Floats:
    """The unweighted mean of the tasks' metrics, each 0 to 1, in every bootstrap draw of the items of each task.

    Statistics of a task (items, ..., runs, S) give (resamples, ...); what stands between, such as two
    models, is drawn together.
    """
    drawn = [
        mean_of_runs(metric_of(task), resample(stats, resamples, own)) for own, (task, stats) in enumerate(tasks, seed)
    ]
    return np.asarray(np.mean(drawn, axis=0))

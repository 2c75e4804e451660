"""The contents of an evaluation's page."""

from typing import Any

import numpy as np

from fsa_ray.core.artifact import Table
from fsa_ray.core.tables import read_table
from fsa_ray.evaluation.classification import ClassificationTask
from fsa_ray.evaluation.scorecard import TaskScore
from fsa_ray.evaluation.task import Task
from fsa_ray.evaluation.tasks import load_task
from fsa_ray.reporting.contents import Fact
from fsa_ray.reporting.suite import Confusion, SuiteContents, TaskRow, WrongItem
from fsa_ray.stages.suite import Evaluation
from fsa_ray.storage.folder import Folder

WORST_SHOWN = 4


def suite_contents(root: Folder, done: Evaluation) -> SuiteContents:
    """What the page shows: the worst items are those that were wrong under most seeds, a few of each task."""
    shown = {"model": done.model, "suite": done.suite, **done.asked.told(),
             "demonstrations that did not fit": done.demonstrations_dropped,
             "queries that did not fit": done.too_long}  # fmt: skip
    rows = read_table(root, Table(files=(done.items,))).to_pylist()
    by_task: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by_task.setdefault(row["task"], []).append(row)
    return SuiteContents(
        name=done.name,
        facts=tuple(Fact(label=label, value=str(value)) for label, value in shown.items()),
        mean=done.mean,
        low=done.mean_low,
        high=done.mean_high,
        std=done.mean_std,
        coverage=done.coverage,
        absent=done.absent,
        pilot=done.asked.limit,
        rows=tuple(_task_row(score) for score in done.scores.values()),
        confusions=tuple(
            found for name, own in by_task.items() if (found := _confusion(load_task(done.tasks[name]), own))
        ),
        wrong=tuple(item for name, own in by_task.items() for item in _wrong(name, own)),
        data=done.data,
    )


def _task_row(score: TaskScore) -> TaskRow:
    fields = {"task", "metric", "score", "low", "high", "std", "n", "invalid", "missing"}
    return TaskRow.model_validate(score.model_dump(include=fields))


def _confusion(task: Task, rows: list[dict[str, Any]]) -> Confusion | None:
    if not isinstance(task, ClassificationTask):
        return None
    size = len(task.labels)
    counts = np.zeros((size, size + 1))
    for row in rows:
        counts += np.reshape(row["stats"], counts.shape)
    return Confusion(task=task.name, labels=task.labels, counts=tuple(tuple(map(int, row)) for row in counts))


def _wrong(task: str, rows: list[dict[str, Any]]) -> list[WrongItem]:
    wrong: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        if not row["correct"]:
            wrong.setdefault(row["id"], []).append(row)
    worst = sorted(wrong.values(), key=len, reverse=True)[:WORST_SHOWN]
    return [
        WrongItem(
            task=task,
            id=same[0]["id"],
            text=same[0]["text"],
            gold=same[0]["gold"],
            answer="no answer" if same[0]["missing"] else same[0]["prediction"],
            seeds=len(same),
        )
        for same in worst
    ]

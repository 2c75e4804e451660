"""Two evaluations side by side."""

import numpy as np
from pydantic import BaseModel, ConfigDict

from fsa_ray.core.artifact import Table
from fsa_ray.core.tables import read_table
from fsa_ray.evaluation.comparison import Comparison, compare
from fsa_ray.evaluation.scorecard import drawn_means, stack
from fsa_ray.evaluation.tasks import load_task
from fsa_ray.stages.suite import Evaluation, outcomes_of
from fsa_ray.storage.folder import Folder


class MeanDifference(BaseModel):
    """The unweighted means over the tasks, the first minus the second in points, and its 95 % paired bootstrap interval
    over the items of each task."""

    model_config = ConfigDict(frozen=True)

    first: float
    second: float
    difference: float
    low: float
    high: float


class Compared(BaseModel):
    """`mean` is None where one of the two has a task that the other lacks."""

    model_config = ConfigDict(frozen=True)

    first: str
    second: str
    tasks: list[Comparison]
    mean: MeanDifference | None


def compare_evaluations(root: Folder, first: Evaluation, second: Evaluation) -> Compared:
    """Task by task, over the items that both answered; Holm's correction over the tasks that both have.

    Raises ValueError if they share no task or were not measured by the same rules on the same items.
    """
    if first.asked.protocol != second.asked.protocol:
        raise ValueError(
            f"{first.name} was scored under {first.asked.protocol}, {second.name} under {second.asked.protocol}: "
            "not comparable"
        )
    shared = [name for name in first.tasks if name in second.tasks]
    if not shared:
        raise ValueError(f"{first.name} and {second.name} share no task")
    _require_same_items(root, first, second, shared)
    left, right = outcomes_of(root, first), outcomes_of(root, second)
    runs = {name: (load_task(first.tasks[name]), left[name], right[name]) for name in shared}
    tasks = compare(runs)
    mean = None
    if len(shared) == len(first.tasks) == len(second.tasks):
        pairs = [
            (task, np.stack(np.broadcast_arrays(stack(a)[1], stack(b)[1]), axis=1)) for task, a, b in runs.values()
        ]
        drawn = drawn_means(pairs)
        low, high = np.percentile(100 * (drawn[:, 0] - drawn[:, 1]), [2.5, 97.5])
        gap = first.mean - second.mean
        mean = MeanDifference(first=first.mean, second=second.mean, difference=gap, low=low, high=high)
    return Compared(first=first.name, second=second.name, tasks=tasks, mean=mean)


def _require_same_items(root: Folder, first: Evaluation, second: Evaluation, tasks: list[str]) -> None:
    """Ids are positions in a file for many tasks, so equal ids do not mean equal items."""
    for task in tasks:
        versions = first.scores[task].version, second.scores[task].version
        if versions[0] != versions[1]:
            raise ValueError(
                f"{task}: {first.name} was scored by version {versions[0]} of the task, {second.name} by version "
                f"{versions[1]}; evaluate both again"
            )
    left, right = _items(root, first), _items(root, second)
    for (task, id_), what in left.items():
        if task in tasks and right.get((task, id_), what) != what:
            raise ValueError(
                f"{task}: item {id_} of {first.name} has another text or gold answer than that of {second.name}; "
                "evaluate both on the same data"
            )


def _items(root: Folder, done: Evaluation) -> dict[tuple[str, str], tuple[str, str]]:
    """Task and id to text and gold answer."""
    rows = read_table(root, Table(files=(done.items,)), ["task", "id", "text", "gold"]).to_pylist()
    return {(row["task"], row["id"]): (row["text"], row["gold"]) for row in rows}

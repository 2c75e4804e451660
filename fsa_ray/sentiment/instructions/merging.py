"""Near-duplicate tasks: of tasks that are alike the first is kept."""

from collections.abc import Sequence
from typing import NamedTuple

from fsa_ray.sentiment.instructions.demonstrations import likeness, shingles
from fsa_ray.sentiment.instructions.task import TaskDefinition
from fsa_ray.sentiment.instructions.validation import normal


class Merged(NamedTuple):
    """Rows of the tasks that are kept, in order, and for each other row the kept one that it is merged into."""

    kept: tuple[int, ...]
    into: dict[int, int]


def merge_near_duplicates(
    tasks: Sequence[TaskDefinition], *, threshold: float = 0.6, same_labels: bool = False
) -> Merged:
    """Merge tasks of one kind that have the same name, or name and description alike.

    Names are compared without case and punctuation; alike means a Jaccard similarity of word triples of at least
    `threshold`. With `same_labels` the sets of labels must also be equal. Tasks are taken in the order given, and each
    is compared with those kept before it only: it is merged into the first that it is alike to. So no chain of
    ever less alike tasks is merged, and the result depends on the order, which the caller has to fix.
    Errors: ValueError for a threshold outside (0, 1].
    """
    if not 0.0 < threshold <= 1.0:
        raise ValueError(f"the similarity threshold is {threshold}: it must be above 0 and at most 1")
    seen = [(normal(task.name), shingles(f"{task.name} {task.description}")) for task in tasks]
    kept: list[int] = []
    into: dict[int, int] = {}
    for row, (name, words) in enumerate(seen):
        for first in kept:
            if _comparable(tasks[row], tasks[first], same_labels) and (
                name == seen[first][0] or likeness(words, seen[first][1]) >= threshold
            ):
                into[row] = first
                break
        else:
            kept.append(row)
    return Merged(tuple(kept), into)


def _comparable(one: TaskDefinition, other: TaskDefinition, same_labels: bool) -> bool:
    return one.kind == other.kind and (not same_labels or _label_set(one) == _label_set(other))


def _label_set(task: TaskDefinition) -> frozenset[str]:
    return frozenset(label.casefold() for label in task.labels or ())

"""Suites: the tasks that are run together, and how."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fsa_ray.evaluation.fsa import FSA_TASKS
from fsa_ray.evaluation.fsa import SEEDS as FSA_SEEDS
from fsa_ray.evaluation.task import Protocol
from fsa_ray.evaluation.tasks import TASKS, load_task


@dataclass(frozen=True)
class Suite:
    """Names of tasks, and the defaults of the papers: protocol, demonstrations, seeds that draw them."""

    tasks: tuple[str, ...]
    protocol: Protocol
    shots: int
    seeds: tuple[int, ...]


SUITES = {
    "sentibench": Suite(tuple(TASKS), "strict", 4, (42, 52, 62)),
    "fsa": Suite(tuple(FSA_TASKS), "p1", 0, FSA_SEEDS[:1]),
}


def suite_called(name: str) -> Suite:
    """Raises ValueError for an unknown suite."""
    if name not in SUITES:
        raise ValueError(f"no suite {name!r}; suites: {', '.join(SUITES)}")
    return SUITES[name]


def present(tasks: Sequence[str], data: Path, splits: Sequence[str]) -> tuple[list[str], list[str]]:
    """The tasks whose files of these splits are all there, and the others."""
    found: list[str] = []
    absent: list[str] = []
    for name in tasks:
        whole = all(path.is_file() for split in splits for path in load_task(name).paths(data, split))
        (found if whole else absent).append(name)
    return found, absent

"""Instructions from a file: a user's, or the starter set that comes with this package.

A file is a JSON list of {"cluster", "analysis", "tasks"}: a cluster's name, analysis instructions, and tasks with their
examples, whose outputs may be JSON values. The starter set is hand-written, about the heads of the 30 clusters of
attributes that CompEffDist's released clusters mention most.
"""

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from fsa_ray.sentiment.instructions.task import TaskDefinition

STARTER = Path(__file__).with_name("starter.json")
_FAULTS_SHOWN = 3


class ClusterInstructions(BaseModel):
    """What there is to ask about one cluster of attributes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cluster: str = Field(min_length=1)
    analysis: tuple[str, ...] = ()
    tasks: tuple[TaskDefinition, ...] = ()

    @model_validator(mode="after")
    def _says_something(self) -> "ClusterInstructions":
        if not self.analysis and not self.tasks:
            raise ValueError("neither analysis instructions nor tasks are given")
        if not all(text.strip() for text in self.analysis):
            raise ValueError("an analysis instruction is empty")
        if len(set(self.analysis)) < len(self.analysis):
            raise ValueError("an analysis instruction is given twice")
        if len({task.name for task in self.tasks}) < len(self.tasks):
            raise ValueError("two tasks have the same name")
        for task in self.tasks:
            if not task.examples:
                raise ValueError(f"the task {task.name!r} has no examples")
        return self


def load_instructions(path: Path = STARTER) -> tuple[ClusterInstructions, ...]:
    """The instructions of a file, in its order.

    Errors: ValueError that names the file, and the entry if one is wrong or its cluster occurs twice.
    """
    try:
        entries = json.loads(path.read_text("utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"{path} cannot be read as JSON: {error}") from error
    if not isinstance(entries, list) or not entries:
        raise ValueError(f'{path} holds no list of instructions: write [{{"cluster": ..., "analysis": ..., ...}}]')
    seen: dict[str, int] = {}
    found = []
    for number, entry in enumerate(entries, start=1):
        read = _read(path, number, entry)
        first = seen.setdefault(read.cluster, number)
        if first != number:
            raise ValueError(f"{path}: the entries {first} and {number} are both about {read.cluster!r}: make them one")
        found.append(read)
    return tuple(found)


def _read(path: Path, number: int, entry: Any) -> ClusterInstructions:
    try:
        return ClusterInstructions.model_validate(entry)
    except ValidationError as error:
        faults = error.errors()
        shown = "; ".join(f"{'.'.join(map(str, one['loc'])) or 'it'}: {one['msg']}" for one in faults[:_FAULTS_SHOWN])
        more = f"; and {len(faults) - _FAULTS_SHOWN} more" if len(faults) > _FAULTS_SHOWN else ""
        name = entry.get("cluster") if isinstance(entry, dict) else None
        about = f" ({name[:80]!r})" if isinstance(name, str) else ""
        raise ValueError(f"{path}: entry {number}{about}: {shown}{more}") from error

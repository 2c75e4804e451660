"""What is kept of a model's way through a suite."""

import json
from typing import Any

from pydantic import BaseModel, ConfigDict

from fsa_ray.core.artifact import DataFile, Table
from fsa_ray.core.tables import read_table
from fsa_ray.evaluation.scorecard import Outcome, TaskScore
from fsa_ray.evaluation.task import Protocol
from fsa_ray.storage.folder import Folder


class Evaluation(BaseModel):
    """What is kept of a model's way through a suite: `evaluations/NAME.json` below the root.

    `tasks`: each task's name, and its name or file as `load_task` takes it. `mean` is the unweighted mean over the
    tasks that were there; `absent` are those without data. `items` has one row for each item and seed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    model: str
    suite: str
    protocol: Protocol
    shots: int
    seeds: tuple[int, ...]
    mean: float
    tasks: dict[str, str]
    scores: dict[str, TaskScore]
    absent: tuple[str, ...]
    demonstrations_dropped: int
    too_long: int
    items: DataFile


def outcomes_of(root: Folder, done: Evaluation) -> dict[str, list[Outcome]]:
    found: dict[str, list[Outcome]] = {}
    for row in read_table(root, Table(files=(done.items,))).to_pylist():
        found.setdefault(row["task"], []).append(_outcome(row))
    return found


def _outcome(row: dict[str, Any]) -> Outcome:
    values = {key: row[key] for key in ("id", "seed", "correct", "invalid", "missing", "stats")}
    return Outcome(**values, gold=json.loads(row["gold"]), prediction=json.loads(row["prediction"]))

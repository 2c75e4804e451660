"""What is kept of a model's way through a suite."""

import json
from collections.abc import Mapping, Sequence
from statistics import mean, stdev
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from fsa_ray.core.artifact import DataFile, Table
from fsa_ray.core.tables import read_table
from fsa_ray.evaluation.scorecard import Outcome, TaskScore, drawn_means, stack
from fsa_ray.evaluation.task import Protocol
from fsa_ray.evaluation.tasks import load_task
from fsa_ray.reporting.suite import TaskData
from fsa_ray.stages.answer import Answer
from fsa_ray.stages.evaluate import Scores
from fsa_ray.stages.judge import Judge
from fsa_ray.stages.questions import Answering
from fsa_ray.storage.folder import Folder
from fsa_ray.training.settings import Precision

LABELS: Mapping[Answering, str] = {
    "likelihood": "by the likelihood of their words",
    "generation": "read from a free answer",
    "interpretation": "read off what is written about the bare text",
}


class Asked(BaseModel):
    """How a suite was asked and scored: all that shapes the answers, but for model and data."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    protocol: Protocol
    shots: int
    seeds: tuple[int, ...]
    limit: int | None
    answering: Answering
    calibrate: bool
    structured: bool
    chat: bool
    prefix: str
    max_length: int
    precision: Precision

    @classmethod
    def of(cls, answers: Answer) -> "Asked":
        questions = answers.questions.model_dump(include=cls.model_fields.keys() - {"precision"})
        return cls(precision=answers.precision, **questions)

    def told(self) -> dict[str, str]:
        """In words, label to value."""
        return {
            "protocol": self.protocol,
            "demonstrations": str(self.shots),
            "seeds": ", ".join(map(str, self.seeds)),
            "items": "all" if self.limit is None else f"at most {self.limit} of a task",
            "labels": LABELS[self.answering] + (", calibrated" if self.calibrate else ""),
            "extractions": "by JSON schema" if self.structured else "free",
            "prompt": "in the chat template" if self.chat else "plain text",
            "prefix": repr(self.prefix) if self.prefix else "none",
            "tokens": f"{self.max_length} of prompt and answer",
            "precision": self.precision,
        }


class Evaluation(BaseModel):
    """What is kept of a model's way through a suite: `evaluations/NAME.json` below the root.

    `judge`: the fingerprint of the stage that scored. `tasks`: each task's name, and its name or file as `load_task`
    takes it; `absent` are those without data. `mean` is the unweighted mean over the tasks that were there, `mean_low`
    to `mean_high` its 95 % bootstrap interval over the items of each task, `mean_std` its sample standard deviation
    over seeds. `data`: what the benchmark's files hold. `items` has one row for each item and seed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    model: str
    suite: str
    judge: str
    asked: Asked
    mean: float
    mean_low: float
    mean_high: float
    mean_std: float | None
    tasks: dict[str, str]
    scores: dict[str, TaskScore]
    absent: tuple[str, ...]
    data: tuple[TaskData, ...]
    demonstrations_dropped: int
    too_long: int
    items: DataFile

    @property
    def coverage(self) -> str:
        """What the mean is a mean of."""
        there = len(self.tasks)
        if self.absent:
            return f"over {there} of {there + len(self.absent)} tasks"
        return f"over {there} task{'s' if there > 1 else ''}"

    def differs(self, judge: Judge, model: str) -> list[str]:
        """In which settings this evaluation is another one than that of `model` by `judge`."""
        tasks = (load_task(name).name for name in judge.answers.questions.tasks)
        before = {"model": self.model, "tasks": ", ".join(self.tasks), **self.asked.told()}
        now = {"model": model, "tasks": ", ".join(tasks), **Asked.of(judge.answers).told()}
        return [f"{label} {before[label]}, not {now[label]}" for label in now if before[label] != now[label]]


def keep(
    root: Folder,
    name: str,
    model: str,
    suite: str,
    judge: Judge,
    scores: Scores,
    measures: Mapping[str, float],
    absent: Sequence[str],
    data: Sequence[TaskData],
) -> Evaluation:
    """Write the document; replaces that of the name."""
    tasks = {load_task(given).name: given for given in judge.answers.questions.tasks}
    whole = [scores.scores[task] for task in tasks]
    judged = _outcomes(root, scores.items)
    drawn = drawn_means([(load_task(given), stack(judged[task])[1]) for task, given in tasks.items()])
    low, high = np.percentile(100 * drawn, [2.5, 97.5])
    by_seed = [mean(score.seeds[seed] for score in whole) for seed in judge.answers.questions.seeds]
    done = Evaluation(
        name=name,
        model=model,
        suite=suite,
        judge=judge.fingerprint,
        asked=Asked.of(judge.answers),
        mean=mean(score.score for score in whole),
        mean_low=float(low),
        mean_high=float(high),
        mean_std=stdev(by_seed) if len(by_seed) > 1 else None,
        tasks=tasks,
        scores=scores.scores,
        absent=tuple(absent),
        data=tuple(data),
        demonstrations_dropped=int(measures["demonstrations_dropped"]),
        too_long=int(measures["too_long"]),
        items=scores.items,
    )
    (root / "evaluations").put(f"{name}.json", done.model_dump_json(indent=2).encode())
    return done


def outcomes_of(root: Folder, done: Evaluation) -> dict[str, list[Outcome]]:
    return _outcomes(root, done.items)


def _outcomes(root: Folder, items: DataFile) -> dict[str, list[Outcome]]:
    found: dict[str, list[Outcome]] = {}
    for row in read_table(root, Table(files=(items,))).to_pylist():
        found.setdefault(row["task"], []).append(_outcome(row))
    return found


def _outcome(row: dict[str, Any]) -> Outcome:
    values = {key: row[key] for key in ("id", "seed", "correct", "invalid", "missing", "stats")}
    return Outcome(**values, gold=json.loads(row["gold"]), prediction=json.loads(row["prediction"]))

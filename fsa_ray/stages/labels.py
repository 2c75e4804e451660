"""Labelled reviews from the train splits of SentiBench, in the form that examples are made of."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
from pydantic import Field

from fsa_ray.core.artifact import Flow, Rows
from fsa_ray.core.local_copy import brought_here
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.evaluation.fsa import FSA_TASKS
from fsa_ray.evaluation.item import Item
from fsa_ray.evaluation.task import Task
from fsa_ray.evaluation.tasks import load_task
from fsa_ray.schemas.opinion import POLARITIES
from fsa_ray.schemas.rows import LABELLED_REVIEW
from fsa_ray.stages.benchmark import pin, sample_items
from fsa_ray.stages.model import PinnedFile
from fsa_ray.stages.rows import commit, derived_id


class BenchmarkLabels(Stage[Rows]):
    """Train items with polarities. Classification sets give the overall polarity and no opinions, extraction sets
    opinions whose aspect is the category and whose evidence is the opinion term where there is one, else the target.
    """

    name: ClassVar[str] = "labels"
    version: ClassVar[int] = 1
    flow: ClassVar[Flow | None] = Flow(source=None)

    tasks: tuple[str, ...]
    files: tuple[PinnedFile, ...]
    limit: int | None = None
    data: str = Field(exclude=True)

    @classmethod
    def at(cls, data: str, tasks: tuple[str, ...], limit: int | None = None) -> "BenchmarkLabels":
        """`limit`: so many items in all, evenly over the tasks. Raises ValueError naming what is missing."""
        if not tasks:
            raise ValueError(f"{data}: also name the tasks whose train splits are used")
        if any(name in FSA_TASKS for name in tasks):
            raise ValueError(f"{', '.join(tasks)}: sets of the FSA benchmark know a fourth polarity; name others")
        data = brought_here(data)
        pinned = [pin(path, Path(data)) for name in tasks for path in load_task(name).paths(Path(data), "train")]
        return cls(tasks=tasks, files=tuple(pinned), limit=limit, data=data)

    def run(self, ctx: StageContext) -> Rows:
        share = None if self.limit is None else -(-self.limit // len(self.tasks))
        rows: list[dict[str, Any]] = []
        for name in self.tasks:
            task = load_task(name)
            rows.extend(_row(task, item) for item in sample_items(task.load(self.data, "train"), share))
        rows = rows[: self.limit]
        ctx.measure(rows_read=len(rows))
        return commit(ctx, pa.Table.from_pylist(rows, LABELLED_REVIEW), [])


def _row(task: Task, item: Item) -> dict[str, Any]:
    opinions = [] if isinstance(item.gold, str) else [_opinion(entry) for entry in item.gold]
    return {
        "id": derived_id("train", task.name, item.id),
        "source_id": f"{task.name}/train/{item.id}",
        "domain": task.name,
        "text": item.text,
        "polarity": item.gold if isinstance(item.gold, str) else _overall([o["polarity"] for o in opinions]),
        "opinions": opinions,
    }


def _opinion(entry: Mapping[str, Any]) -> dict[str, Any]:
    target = entry.get("aspect_term")
    return {
        "target": target,
        "aspect": entry.get("aspect_category") or "general",
        "polarity": entry["sentiment"],
        "evidence": entry.get("opinion") or target or "",
    }


def _overall(polarities: list[str]) -> str:
    """The commonest polarity; neutral where two are equally common or there is none."""
    counts = sorted((polarities.count(polarity), polarity) for polarity in POLARITIES)
    return counts[-1][1] if counts[-1][0] > counts[-2][0] else "neutral"

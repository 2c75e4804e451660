"""Labelled reviews from the train splits of SentiBench, in the form that examples are made of."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
from pydantic import Field

from fsa_ray.core.artifact import Flow, Rows
from fsa_ray.core.local_copy import brought_here
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.evaluation.extraction import EntryTask
from fsa_ray.evaluation.item import Item
from fsa_ray.evaluation.task import Task
from fsa_ray.evaluation.tasks import load_task
from fsa_ray.schemas.opinion import POLARITIES
from fsa_ray.schemas.rows import LABELLED_REVIEW
from fsa_ray.stages.benchmark import pin, sample_items
from fsa_ray.stages.model import PinnedFile
from fsa_ray.stages.rows import commit, derived_id

FIELDS = {"aspect_term": "target", "aspect_category": "aspect", "opinion": "evidence", "sentiment": "polarity"}
"""Field of an extraction set to the field of an opinion that it is."""


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
        """`limit`: so many items in all, evenly over the tasks. Raises ValueError naming what is missing, and for a
        set that is not labelled with polarities."""
        if not tasks:
            raise ValueError(f"{data}: also name the tasks whose train splits are used")
        for name in tasks:
            _require_polarities(load_task(name))
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


def labelled_fields(task: Task) -> frozenset[str]:
    """Which fields of an opinion the items of a set tell; of a classification set only the polarity."""
    told = task.fields if isinstance(task, EntryTask) else ("sentiment",)
    return frozenset(FIELDS[name] for name in told if name in FIELDS)


def _require_polarities(task: Task) -> None:
    labels = task.polarities if isinstance(task, EntryTask) else task.labels
    strange = [label for label in labels if label not in POLARITIES]
    if isinstance(task, EntryTask) and "polarity" not in labelled_fields(task):
        strange = list(task.fields)
    if strange:
        raise ValueError(
            f"{task.name} cannot be learned from here ({', '.join(strange)}): "
            f"name sets whose `sentiment` or label is one of {', '.join(POLARITIES)}"
        )


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

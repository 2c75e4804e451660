"""The items that models are measured on: SentiBench tasks from a folder, or invented labelled reviews."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
from pydantic import Field

from fsa_ray.core.artifact import Flow, Rows
from fsa_ray.core.local_copy import brought_here
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.core.tables import iter_parts, read_table
from fsa_ray.evaluation.invented import invented_items
from fsa_ray.evaluation.item import Item
from fsa_ray.evaluation.tasks import load_task
from fsa_ray.schemas.rows import REVIEW
from fsa_ray.stages.model import PinnedFile
from fsa_ray.stages.rows import commit, derived_id

ITEMS = pa.schema([*REVIEW, ("items", pa.string())])
"""A text to annotate; `items` is JSON: the name of each task that it belongs to, and its item there."""


class Benchmark(Stage[Rows]):
    """Items of benchmark tasks. The identity is the content of the split files; `data` says where they lie."""

    name: ClassVar[str] = "benchmark"
    version: ClassVar[int] = 1
    flow: ClassVar[Flow | None] = Flow(source=None)

    tasks: tuple[str, ...]
    split: str = "test"
    files: tuple[PinnedFile, ...]
    limit: int | None = None
    data: str = Field(exclude=True)

    @classmethod
    def at(cls, data: str, tasks: tuple[str, ...], split: str = "test", limit: int | None = None) -> "Benchmark":
        """Raises ValueError naming the file for a missing split, and the known tasks for an unknown one."""
        data = brought_here(data)
        pinned = [pin(path, Path(data)) for name in tasks for path in load_task(name).paths(Path(data), split)]
        return cls(tasks=tasks, split=split, files=tuple(pinned), limit=limit, data=data)

    def run(self, ctx: StageContext) -> Rows:
        rows: list[dict[str, Any]] = []
        for name in self.tasks:
            items = load_task(name).load(Path(self.data), self.split)
            rows.extend(_row(name, {name: item}) for item in sample_items(items, self.limit))
        ctx.measure(rows_read=len(rows))
        return commit(ctx, pa.Table.from_pylist(rows, ITEMS), [])


class InventedBenchmark(Stage[Rows]):
    """The polarity and the aspect-term task over invented labelled reviews."""

    name: ClassVar[str] = "benchmark"
    version: ClassVar[int] = 1
    flow: ClassVar[Flow | None] = Flow(source="labelled", key="source_id")

    labelled: Stage[Rows]

    def run(self, ctx: StageContext) -> Rows:
        reviews = read_table(ctx.root, ctx.load(self.labelled).kept).to_pylist()
        rows = [_row("invented", invented_items(review, position)) for position, review in enumerate(reviews)]
        return commit(ctx, pa.Table.from_pylist(rows, ITEMS), [])


def items_by_task(ctx: StageContext, benchmark: Rows) -> dict[str, dict[str, Item]]:
    """Task to row id to item, in the order of the benchmark."""
    found: dict[str, dict[str, Item]] = {}
    for part in iter_parts(ctx.root, benchmark.kept, ["id", "text", "items"]):
        for row in part.to_pylist():
            for task, item in json.loads(row["items"]).items():
                found.setdefault(task, {})[row["id"]] = Item(text=row["text"], **item)
    return found


def sample_items(items: list[Item], limit: int | None) -> list[Item]:
    """At most `limit` items: those with the smallest digest of their id, in their own order."""
    if limit is None or limit >= len(items):
        return items
    chosen = sorted(items, key=lambda item: hashlib.sha256(item.id.encode()).digest())[:limit]
    return sorted(chosen, key=lambda item: item.position)


def pin(path: Path, base: Path) -> PinnedFile:
    """Raises ValueError if there is no such file."""
    if not path.is_file():
        raise ValueError(f"{path} is missing; give the folder of the benchmark in which {path.relative_to(base)} lies")
    data = path.read_bytes()
    return PinnedFile(name=str(path.relative_to(base)), size=len(data), digest=hashlib.sha256(data).hexdigest())


def _row(source: str, items: Mapping[str, Item]) -> dict[str, Any]:
    """One text, and its item in each task; the items share id and text."""
    one = next(iter(items.values()))
    details = {
        task: {"id": item.id, "position": item.position, "gold": item.gold, "extra": dict(item.extra)}
        for task, item in items.items()
    }
    return {
        "id": derived_id(source, one.id),
        "source_id": one.id,
        "domain": source,
        "text": one.text,
        "items": json.dumps(details, ensure_ascii=False),
    }

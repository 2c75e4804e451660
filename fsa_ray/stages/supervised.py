"""Labelled items of a benchmark as training pairs: what a student is fine-tuned on."""

import hashlib
from typing import Any, ClassVar

import pyarrow as pa

from fsa_ray.core.artifact import Rows
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.evaluation.answer_format import write_answer
from fsa_ray.evaluation.item import Item
from fsa_ray.evaluation.tasks import load_task
from fsa_ray.schemas.rows import EXAMPLE
from fsa_ray.stages.benchmark import items_by_task
from fsa_ray.stages.rows import commit, derived_id


class Supervised(Stage[Rows]):
    """A share of a task's items, drawn by the seed: the bare sentence and `term | polarity ; ...` (FSA-Distillation).

    Items of smaller shares are in larger ones. An item without an opinion has an answer that ends at once.
    """

    name: ClassVar[str] = "supervised"
    version: ClassVar[int] = 1

    benchmark: Stage[Rows]
    task: str
    share: float = 1.0
    seed: int = 42

    def run(self, ctx: StageContext) -> Rows:
        items = items_by_task(ctx, ctx.load(self.benchmark))[self.task]
        order = sorted(items, key=lambda row: hashlib.sha256(f"{self.seed}\0{row}".encode()).digest())
        chosen = order[: max(1, round(self.share * len(order)))]
        return commit(ctx, pa.Table.from_pylist([self._row(row, items[row]) for row in chosen], EXAMPLE), [])

    def _row(self, row: str, item: Item) -> dict[str, Any]:
        return {
            "id": derived_id(row, "supervised", self.task),
            "parent": row,
            "review_id": row,
            "kind": self.task,
            "group": self.task,
            "prompt": item.text,
            "answer": write_answer(load_task(self.task), item, "p1"),
        }

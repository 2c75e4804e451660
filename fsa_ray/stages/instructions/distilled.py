"""From the teacher's answers to records to training examples: each checked against its own instruction."""

from typing import Any, ClassVar

import pyarrow as pa

from fsa_ray.core.artifact import Flow, Rows
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.core.tables import iter_parts, read_table
from fsa_ray.schemas.rows import EXAMPLE
from fsa_ray.sentiment.answers import Dropped
from fsa_ray.sentiment.instructions.carried_out import read_carried_out
from fsa_ray.sentiment.instructions.task import TaskDefinition
from fsa_ray.stages.instructions.usable import tasks_of
from fsa_ray.stages.rows import commit, derived_id, rejects


class Distilled(Stage[Rows]):
    """Answers that obey their instruction: a label that it declares, a number on its scale, JSON of its schema, spans
    that are in the review. The others are rejects with a reason."""

    name: ClassVar[str] = "distilled"
    version: ClassVar[int] = 3
    flow: ClassVar[Flow | None] = Flow(source="responses", key="parent")

    responses: Stage[Rows]
    records: Stage[Rows]
    instructions: Stage[Rows]

    def run(self, ctx: StageContext) -> Rows:
        tasks = tasks_of(ctx, self.instructions)
        records = {row["id"]: row for row in read_table(ctx.root, ctx.load(self.records).kept).to_pylist()}
        kept: list[dict[str, Any]] = []
        refused: list[dict[str, Any]] = []
        for part in iter_parts(ctx.root, ctx.load(self.responses).kept):
            for response in part.to_pylist():
                record = records[response["parent"]]
                read = _read(response, record["text"], tasks[record["instruction"]])
                own = {"id": derived_id(response["id"], "example"), "parent": response["id"]}
                if isinstance(read, Dropped):
                    refused.append({**own, "reason": read.reason, "detail": read.said, "text": response["text"]})
                else:
                    kept.append({**own, **_example(record), "answer": read})
        return commit(ctx, pa.Table.from_pylist(kept, EXAMPLE), [rejects(refused)])


def _read(response: dict[str, Any], review: str, task: TaskDefinition | None) -> str | Dropped:
    """One that was asked for again in vain is read too, for the reason."""
    if response["error"] is not None and not response["text"]:
        return Dropped("unanswered", response["error"])
    return read_carried_out(task, response["text"], review, response["finish_reason"])


def _example(record: dict[str, Any]) -> dict[str, Any]:
    return {
        "review_id": record["parent"],
        "kind": record["kind"],
        "group": record["group"],
        "prompt": record["prompt"],
        "polarity": None,
        "opinions": None,
    }

"""Which instruction is put to which review, with which demonstrations."""

import json
from typing import Any, ClassVar

import pyarrow as pa

from fsa_ray.core.artifact import Flow, Rows
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.core.tables import read_table
from fsa_ray.schemas.instructions import RECORD
from fsa_ray.sentiment.instructions.task import Demonstration, TaskDefinition, render_frame
from fsa_ray.sentiment.quotas import allot
from fsa_ray.stages.rows import commit, derived_id
from fsa_ray.stages.texts import texts_of


class Records(Stage[Rows]):
    """`count` pairs of an instruction and a review, in equal shares over clusters, over the kinds of task in each, and
    over domains; a task comes with `shots` of its demonstrations, drawn by the record's id. `structured` has the
    teacher's answer to a task written by JSON schema."""

    name: ClassVar[str] = "records"
    version: ClassVar[int] = 2
    flow: ClassVar[Flow | None] = Flow(source=None)

    instructions: Stage[Rows]
    reviews: Stage[Rows]
    count: int
    shots: int = 3
    structured: bool = True
    seed: int = 42

    def estimate(self, rows: Any) -> dict[str, float]:
        return {"rows": float(self.count)}

    def run(self, ctx: StageContext) -> Rows:
        instructions = read_table(ctx.root, ctx.load(self.instructions).kept)
        table = ctx.load(self.reviews).kept
        reviews = read_table(ctx.root, table, ["id", "domain"])
        which, about = allot(
            instructions["id"], instructions["cluster"], instructions["kind"], reviews["id"], reviews["domain"],
            total=self.count, seed=self.seed,
        )  # fmt: skip
        known = [_Instruction(row) for row in instructions.to_pylist()]
        drawn = reviews.take(pa.array(about)).to_pylist()
        texts = texts_of(ctx.root, table, {review["id"] for review in drawn})
        rows = [
            self._row(known[one], {**review, "text": texts[review["id"]]})
            for one, review in zip(which.tolist(), drawn, strict=True)
        ]
        ctx.measure(rows_read=len(rows))
        return commit(ctx, pa.Table.from_pylist(rows, RECORD), [])

    def _row(self, instruction: "_Instruction", review: dict[str, Any]) -> dict[str, Any]:
        own = instruction.row
        record = derived_id(own["id"], review["id"])
        shown = instruction.drawn(record, self.shots)
        return {
            "id": record,
            "parent": review["id"],
            "instruction": own["id"],
            "cluster": own["cluster"],
            "kind": own["kind"],
            "domain": review["domain"],
            "group": own["id"],
            "text": review["text"],
            "demonstrations": [one for one, _ in shown],
            "prompt": instruction.turn(review["text"], [case for _, case in shown]),
            "schema": instruction.schema if self.structured else None,
        }


class _Instruction:
    def __init__(self, row: dict[str, Any]) -> None:
        self.row = row
        self._task = None if row["kind"] == "analysis" else TaskDefinition.model_validate_json(row["definition"])
        self.schema = None if self._task is None else json.dumps(self._task.answer_schema())
        ids = [each["id"] for each in row["demonstrations"] or ()]
        self._cases = list(zip(ids, () if self._task is None else self._task.examples, strict=True))

    def drawn(self, record: str, shots: int) -> list[tuple[str, Demonstration]]:
        """At most so many demonstrations with their ids, in an order that the record's id decides."""
        return sorted(self._cases, key=lambda case: derived_id(record, case[1].input))[:shots]

    def turn(self, text: str, shown: list[Demonstration]) -> str:
        return render_frame(self.row["definition"], text) if self._task is None else self._task.render(text, shown)

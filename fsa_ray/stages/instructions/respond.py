"""Ask the teacher to carry out the instructions: the answers that students learn from."""

from collections.abc import Iterator
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from fsa_ray.core.artifact import Flow
from fsa_ray.core.stage import StageContext
from fsa_ray.core.tables import iter_parts
from fsa_ray.schemas.rows import REQUEST
from fsa_ray.sentiment.answers import Dropped
from fsa_ray.sentiment.instructions.carried_out import read_carried_out
from fsa_ray.stages.ask import TOKENS_OF_TEXT, Ask, Judge
from fsa_ray.stages.instructions.records import Records
from fsa_ray.stages.instructions.usable import tasks_of
from fsa_ray.stages.rows import derived_id


class Respond(Ask):
    """One response for each record (CompEffDist, distillation records). One that breaks its own instruction is asked
    for again like an answer that cannot be read."""

    name: ClassVar[str] = "respond"
    version: ClassVar[int] = 2
    flow: ClassVar[Flow | None] = Flow(source="records", key="parent")

    records: Records

    def requests(self, ctx: StageContext) -> Iterator[pa.Table]:
        for part in iter_parts(ctx.root, ctx.load(self.records).kept, ["id", "prompt", "schema"]):
            ids = [derived_id(one, "respond") for one in part["id"].to_pylist()]
            given = {
                "id": pa.array(ids, pa.string()),
                "parent": part["id"],
                "kind": pa.array(["respond"] * len(ids)),
                "prompt": part["prompt"],
                "schema": part["schema"],
            }
            nothing = {field.name: pa.nulls(len(ids), field.type) for field in REQUEST if field.name not in given}
            yield pa.table(given | nothing, schema=REQUEST)

    def judge(self, ctx: StageContext) -> Judge:
        tasks = tasks_of(ctx, self.records.instructions)

        def faults(rows: list[dict[str, Any]]) -> Iterator[str | None]:
            records = self._records(ctx, pa.array([row["parent"] for row in rows], pa.string()))
            for row in rows:
                record = records[row["parent"]]
                read = read_carried_out(tasks[record["instruction"]], row["text"], record["text"])
                yield f"{read.reason}: {read.said}" if isinstance(read, Dropped) else None

        return faults

    def _records(self, ctx: StageContext, ids: pa.Array) -> dict[str, dict[str, Any]]:
        parts = iter_parts(ctx.root, ctx.load(self.records).kept, ["id", "instruction", "text"])
        return {row["id"]: row for part in parts for row in part.filter(pc.is_in(part["id"], ids)).to_pylist()}

    def expected_requests(self, rows: Any) -> float:
        return float(rows(self.records))

    def usual_prompt_tokens(self) -> int:
        return 4 * TOKENS_OF_TEXT

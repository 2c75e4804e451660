"""Ask the teacher to carry out the instructions: the answers that students learn from."""

from collections.abc import Iterator
from typing import Any, ClassVar

import pyarrow as pa

from fsa_ray.core.artifact import Flow, Rows
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.core.tables import iter_parts
from fsa_ray.schemas.rows import REQUEST
from fsa_ray.stages.ask import TOKENS_OF_TEXT, Ask
from fsa_ray.stages.rows import derived_id


class Respond(Ask):
    """One response for each record (CompEffDist, distillation records)."""

    name: ClassVar[str] = "respond"
    version: ClassVar[int] = 1
    flow: ClassVar[Flow | None] = Flow(source="records", key="parent")

    records: Stage[Rows]

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

    def expected_requests(self, rows: Any) -> float:
        return float(rows(self.records))

    def usual_prompt_tokens(self) -> int:
        return 4 * TOKENS_OF_TEXT

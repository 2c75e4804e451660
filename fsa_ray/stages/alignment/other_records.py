"""Which queries of other tasks are put to the teacher, and with how many examples."""

from typing import Any, ClassVar

import pyarrow as pa

from fsa_ray.core.artifact import Flow, Rows
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.core.tables import read_table
from fsa_ray.schemas.alignment import ALIGNMENT
from fsa_ray.sentiment.alignment.other_prompt import render_other
from fsa_ray.sentiment.alignment.variant import chance
from fsa_ray.stages.alignment.other import other_record
from fsa_ray.stages.rows import commit, derived_id


class OtherRecords(Stage[Rows]):
    """At most `count` few-shot prompts of other tasks (the task diversification of ICLDist)."""

    name: ClassVar[str] = "other-records"
    version: ClassVar[int] = 1
    flow: ClassVar[Flow | None] = Flow(source=None)

    other: Stage[Rows]
    count: int
    most_shots: int = 8
    seed: int = 42

    def estimate(self, rows: Any) -> dict[str, float]:
        return {"rows": float(min(self.count, rows(self.other) or self.count))}

    def run(self, ctx: StageContext) -> Rows:
        queries = read_table(ctx.root, ctx.load(self.other).kept).sort_by("id").to_pylist()[: self.count]
        if len(queries) < self.count:
            ctx.tell(f"{len(queries):,} prompts of other tasks instead of {self.count:,}: there are no more")
        ctx.measure(rows_read=len(queries), wanted=self.count)
        found = [self._row(query) for query in queries]
        return commit(ctx, pa.Table.from_pylist(found, ALIGNMENT).sort_by("id"), [])

    def _row(self, query: dict[str, Any]) -> dict[str, Any]:
        shots = chance("shots", query["task"], query["id"], self.seed).randint(0, self.most_shots)
        own = {"id": derived_id(query["id"], "align"), "parent": query["id"], "task": query["task"]}
        return {**own, "variant": None, "text": query["text"], "prompt": render_other(other_record(query), shots)}

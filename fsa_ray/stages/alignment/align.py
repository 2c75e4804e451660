"""Ask the teacher to solve the tasks of the alignment phase."""

from collections.abc import Iterator
from typing import Any, ClassVar

import pyarrow as pa

from fsa_ray.core.artifact import Flow, Rows
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.core.tables import iter_parts
from fsa_ray.schemas.rows import REQUEST
from fsa_ray.sentiment.alignment.variant import Variant, label_words
from fsa_ray.stages.ask import TOKENS_OF_TEXT, Ask
from fsa_ray.stages.rows import derived_id


class Align(Ask):
    """`samples` responses for each record; the first says how likely each label word is, where the answer is one."""

    name: ClassVar[str] = "align"
    version: ClassVar[int] = 2

    records: Stage[Rows]
    samples: int = 1

    def owes(self) -> Flow:
        return Flow(source="records", key="parent", fanout=self.samples)

    def requests(self, ctx: StageContext) -> Iterator[pa.Table]:
        for part in iter_parts(ctx.root, ctx.load(self.records).kept, ["id", "prompt", "variant"]):
            rows = [request for record in part.to_pylist() for request in self._requests(record)]
            yield pa.Table.from_pylist(rows, REQUEST)

    def expected_requests(self, rows: Any) -> float:
        return float(rows(self.records) * self.samples)

    def usual_prompt_tokens(self) -> int:
        return 5 * TOKENS_OF_TEXT

    def _requests(self, record: dict[str, Any]) -> Iterator[dict[str, Any]]:
        words = None if record["variant"] is None else label_words(Variant.model_validate_json(record["variant"]))
        for number in range(self.samples):
            yield {
                "id": derived_id(record["id"], "sample", str(number)),
                "parent": record["id"],
                "kind": "align",
                "prompt": record["prompt"],
                "labels": words if number == 0 else None,
            }

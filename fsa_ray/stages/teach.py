"""Ask the teacher about every review."""

from collections.abc import Iterator
from typing import Any, ClassVar, Literal

import pyarrow as pa

from fsa_ray.core.artifact import Flow, Rows
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.core.tables import iter_parts
from fsa_ray.sentiment.prompts import prompt
from fsa_ray.stages.ask import TOKENS_OF_TEXT, Ask, requests


class Teach(Ask):
    """One response for each review and kind of prompt."""

    name: ClassVar[str] = "teach"
    version: ClassVar[int] = 1

    reviews: Stage[Rows]
    kinds: tuple[Literal["analysis", "rewriting"], ...]
    style: Literal["compact", "json"]

    def owes(self) -> Flow:
        return Flow(source="reviews", key="parent", fanout=len(self.kinds))

    def requests(self, ctx: StageContext) -> Iterator[pa.Table]:
        for part in iter_parts(ctx.root, ctx.load(self.reviews).kept, ["id", "text"]):
            for kind in self.kinds:
                wording = prompt(kind, self.style)
                turns = [wording.render(text) for text in part["text"].to_pylist()]
                yield requests(kind, part["id"].to_pylist(), turns, wording.schema)

    def expected_requests(self, rows: Any) -> float:
        return float(rows(self.reviews) * len(self.kinds))

    def usual_prompt_tokens(self) -> int:
        return TOKENS_OF_TEXT + (400 if self.style == "json" else 20)

"""Ask the teacher which sentiment-related attributes reviews have."""

from collections.abc import Iterator
from typing import Any, ClassVar

import pyarrow as pa

from fsa_ray.core.artifact import Flow, Rows
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.core.tables import iter_parts
from fsa_ray.sentiment.instructions.wording import ENUMERATE
from fsa_ray.stages.ask import TOKENS_OF_TEXT, Ask, requests


class Enumerate(Ask):
    """One response for each review (CompEffDist, attributes)."""

    name: ClassVar[str] = "enumerate"
    version: ClassVar[int] = 2
    flow: ClassVar[Flow | None] = Flow(source="reviews", key="parent")

    reviews: Stage[Rows]

    def requests(self, ctx: StageContext) -> Iterator[pa.Table]:
        for part in iter_parts(ctx.root, ctx.load(self.reviews).kept, ["id", "text"]):
            turns = [ENUMERATE.render(review=text) for text in part["text"].to_pylist()]
            yield requests("enumerate", part["id"].to_pylist(), turns, ENUMERATE.schema)

    def expected_requests(self, rows: Any) -> float:
        return float(rows(self.reviews))

    def usual_prompt_tokens(self) -> int:
        return TOKENS_OF_TEXT + 250

"""Ask the teacher about every review."""

from collections.abc import Iterator
from typing import Any, ClassVar

import pyarrow as pa

from fsa_ray.core.artifact import Flow, Rows
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.core.tables import iter_parts
from fsa_ray.schemas.opinion import POLARITIES
from fsa_ray.sentiment.perspectives import Kind, Style
from fsa_ray.sentiment.prompts import JSON_OPENING, prompt
from fsa_ray.stages.ask import TOKENS_OF_TEXT, Ask, requests


class Teach(Ask):
    """One response for each review and kind of prompt.

    A compact analysis begins with the polarity, so the probabilities of the polarities come with it. In JSON they cost
    a request of their own, which `weigh_labels` allows.
    """

    name: ClassVar[str] = "teach"
    version: ClassVar[int] = 2

    reviews: Stage[Rows]
    kinds: tuple[Kind, ...]
    style: Style
    weigh_labels: bool = False

    def owes(self) -> Flow:
        return Flow(source="reviews", key="parent", fanout=len(self.kinds))

    def requests(self, ctx: StageContext) -> Iterator[pa.Table]:
        for part in iter_parts(ctx.root, ctx.load(self.reviews).kept, ["id", "text"]):
            for kind in self.kinds:
                wording = prompt(kind, self.style)
                turns = [wording.render(text) for text in part["text"].to_pylist()]
                labels, opening = self._labels(kind)
                yield requests(kind, part["id"].to_pylist(), turns, wording.schema, labels, opening)

    def _labels(self, kind: Kind) -> tuple[tuple[str, ...] | None, str]:
        """The label words of an answer's beginning, and what stands before them."""
        if kind != "analysis" or (self.style == "json" and not self.weigh_labels):
            return None, ""
        return POLARITIES, "" if self.style == "compact" else JSON_OPENING

    def expected_requests(self, rows: Any) -> float:
        apart = self.weigh_labels and self.style == "json" and "analysis" in self.kinds
        return float(rows(self.reviews) * (len(self.kinds) + apart))

    def usual_prompt_tokens(self) -> int:
        return TOKENS_OF_TEXT + (400 if self.style == "json" else 20)

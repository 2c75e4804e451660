"""Ask a model, a student or a teacher, what reviews say: polarity, confidence and opinions."""

import math
from dataclasses import replace
from typing import Any, ClassVar, Literal

import pyarrow as pa

from fsa_ray.core.artifact import Flow, Rows
from fsa_ray.core.goodput import goodput
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.engine.question import Question, Reply
from fsa_ray.engine.units import UnitFolder
from fsa_ray.schemas.opinion import POLARITIES
from fsa_ray.schemas.rows import ANNOTATION
from fsa_ray.sentiment.answers import parse_analysis
from fsa_ray.sentiment.grounding import ground
from fsa_ray.sentiment.prompts import prompt
from fsa_ray.sentiment.thinking import split_thinking
from fsa_ray.stages.asking import CUT, Asker
from fsa_ray.stages.model import Model, ModelDirectory, is_encoder_decoder, local_path
from fsa_ray.stages.rows import RowWriter


class Annotate(Stage[Rows]):
    """Greedy answers, one row for each review, in the order of the reviews.

    A row without a whole answer has an `error`; what could be read of an answer that was cut is kept.

    Confidence is the softmax over the three polarity words at the first answer token.
    """

    name: ClassVar[str] = "annotate"
    version: ClassVar[int] = 2
    flow: ClassVar[Flow | None] = Flow(source="reviews")

    reviews: Stage[Rows]
    model: Stage[Model]
    style: Literal["compact", "json"] = "compact"
    max_tokens: int = 256
    max_length: int = 2048
    precision: Literal["fp32", "bf16"] = "bf16"

    def engines(self) -> frozenset[str]:
        return frozenset({self.model.fingerprint})

    def run(self, ctx: StageContext) -> Rows:
        reviews, model, writer = ctx.load(self.reviews), ctx.load(self.model), RowWriter(ctx, ANNOTATION)
        if not reviews.kept.rows:
            return writer.close()  # an engine would start for nothing
        from fsa_ray.engine.run_units import ask
        from fsa_ray.stages.serving import Pulse, engine_of

        if is_encoder_decoder(local_path(ctx.root, model), model.trust_remote_code):
            raise ValueError("an encoder-decoder does not answer in this form; ask it with evaluate --suite")
        engine = engine_of(ctx, self.model, self.precision, self.max_length)
        asker = Asker(ModelDirectory(ctx.root, model), self.max_tokens, model.trust_remote_code)
        folder = ctx.progress / "annotations"
        units = UnitFolder.open(ctx.root, folder, reviews.kept, engine.placement.unit_rows)
        outcome = ask(units, Annotating(asker, self.style), engine, Pulse(ctx.tell))
        ctx.measure(
            prompt_tokens=outcome.counts.prompt_tokens,
            output_tokens=outcome.counts.output_tokens,
            rows_redone=outcome.redone,
            goodput=goodput(outcome.counts.rows, outcome.redone),
        )
        for answers in units.results():
            writer.keep(answers)
        return writer.close()


class Annotating:
    """What is asked about a review, and what is made of the reply."""

    def __init__(self, asker: Asker, style: str) -> None:
        self._asker, self._style = asker, style

    def questions(self, rows: pa.Table) -> list[Question]:
        wording = prompt("analysis", self._style)
        return [
            question
            for text in rows["text"].to_pylist()
            for question in self._asker.questions(wording.render(text), wording.schema, self._words, temperature=0.0)
        ]

    def answers(self, rows: pa.Table, replies: list[Reply]) -> pa.Table:
        opened, each = self._asker.chat.opens_thinking, self._asker.count(self._words)
        rows_out = []
        for number, review in enumerate(rows.select(["id", "text"]).to_pylist()):
            own = replies[number * each : (number + 1) * each]
            logprobs = self._asker.label_logprobs(self._words, "", own)
            reply = replace(own[0], label_logprobs=logprobs)
            rows_out.append({**review, **_annotation(reply, review["text"], opened)})
        return pa.Table.from_pylist(rows_out, ANNOTATION)

    @property
    def _words(self) -> tuple[str, ...] | None:
        """The compact answer begins with the polarity."""
        return POLARITIES if self._style == "compact" else None


def _annotation(reply: Reply, review: str, opened: bool) -> dict[str, Any]:
    if reply.error is not None:
        return {"polarity": None, "confidence": None, "opinions": [], "error": reply.error, "label_logprobs": None}
    said = split_thinking(reply.text, opened=opened)
    analysis = parse_analysis(said.answer)
    kept, _ = ground(analysis.opinions, review)
    likely, confidence = _likely(reply.label_logprobs)
    unreadable = None if analysis.polarity else f"unreadable answer: {reply.text[:200]!r}"
    return {
        "polarity": analysis.polarity or likely,
        "confidence": confidence,
        "opinions": [opinion.model_dump() for opinion in kept],
        "error": CUT if reply.finish_reason == "length" or not said.closed else unreadable,
        "label_logprobs": reply.label_logprobs,
    }


def _likely(logprobs: list[float] | None) -> tuple[str | None, float | None]:
    """The most probable polarity, and its share of the three."""
    if logprobs is None:
        return None, None
    best = max(logprobs)
    return POLARITIES[logprobs.index(best)], 1.0 / sum(math.exp(value - best) for value in logprobs)

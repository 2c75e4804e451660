"""From what the teacher said to what a student is taught: read, check against the review, write canonically."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from typing import Any, ClassVar, Literal, NamedTuple

import pyarrow as pa

from fsa_ray.core.artifact import Flow, Rows
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.core.tables import iter_slices
from fsa_ray.schemas.opinion import POLARITIES
from fsa_ray.schemas.rows import EXAMPLE
from fsa_ray.sentiment.answers import render_compact, render_json
from fsa_ray.sentiment.interpretation import render_interpretation
from fsa_ray.sentiment.noise import clean
from fsa_ray.sentiment.prompts import prompt
from fsa_ray.sentiment.verdicts import Verdict, judge_analysis, judge_interpretation, judge_rewriting, judge_text
from fsa_ray.stages.rows import RowWriter, derived_id, rejects
from fsa_ray.stages.texts import Texts

Prompting = Literal["instructed", "bare", "prefixed"]


class Parse(Stage[Rows]):
    """Keeps answers that can be read and whose quotations are in the review; the others are rejects with a reason.

    `style` is the form in which students answer, whatever form the teacher used. `prompting` is what they read: the
    prompt of the answer's kind, the bare review whatever the kind (as FSA-Distillation trains), or the review after the
    kind's name. `partial`: what becomes of an analysis of which some opinions could not be kept: its rest is kept, or
    it is dropped whole. Other kinds are cleaned of what teachers add: invented reviews, repeated lists, remarks.
    """

    name: ClassVar[str] = "parse"
    version: ClassVar[int] = 3
    flow: ClassVar[Flow | None] = Flow(source="responses", key="parent")

    responses: tuple[Stage[Rows], ...]
    reviews: Stage[Rows]
    style: Literal["compact", "json"] = "compact"
    partial: Literal["keep", "drop"] = "keep"
    prompting: Prompting = "instructed"

    def run(self, ctx: StageContext) -> Rows:
        texts = Texts(ctx.root, ctx.load(self.reviews).kept)
        writer = RowWriter(ctx, EXAMPLE)
        counts: Counter[str] = Counter(opinions=0, opinions_dropped=0)
        tables = [ctx.load(stage).kept for stage in self.responses]
        for responses in chain.from_iterable(iter_slices(ctx.root, table) for table in tables):
            kept: list[dict[str, Any]] = []
            refused: list[dict[str, Any]] = []
            for response, review in zip(responses.to_pylist(), texts.of(responses["parent"]), strict=True):
                read = self._read(response, review)
                counts["opinions_dropped"] += len(read.verdict.dropped)
                counts.update(f"cleaned_{reason}" for reason in read.cleaned)
                if read.verdict.reason is None:
                    kept.append(self._example(response, review, read))
                else:
                    refused.append(_reject(response, read.verdict))
            counts["opinions"] += sum(len(row["opinions"] or []) for row in kept)
            writer.keep(pa.Table.from_pylist(kept, EXAMPLE))
            writer.refuse(rejects(refused))
        ctx.measure(**dict(sorted(counts.items())))
        return writer.close()

    def _read(self, response: dict[str, Any], review: str) -> "_Read":
        said, ended = response["text"], response["finish_reason"]
        if response["error"] is not None and not said:
            return _Read(Verdict("unanswered", response["error"]))
        if response["kind"] == "analysis":
            return self._analysis(judge_analysis(said, review, ended))
        cleaned = clean(said, review, cut=ended == "length")
        reasons = [part.reason for part in cleaned.removed]
        if response["kind"] == "interpretation":
            verdict = judge_interpretation(said, review, ended)
            return _Read(verdict, render_interpretation(verdict.judgements), reasons)
        judge = judge_rewriting if response["kind"] == "rewriting" else judge_text
        return _Read(judge(cleaned.text, review), cleaned.text, reasons)

    def _analysis(self, verdict: Verdict) -> "_Read":
        if self.partial == "drop":
            verdict = _whole(verdict)
        if verdict.reason is not None:
            return _Read(verdict)
        assert verdict.polarity is not None
        render = render_compact if self.style == "compact" else render_json
        return _Read(verdict, render(verdict.polarity, verdict.opinions))

    def _example(self, response: dict[str, Any], review: str, read: "_Read") -> dict[str, Any]:
        kind, verdict = response["kind"], read.verdict
        is_analysis = kind == "analysis"
        weighed = is_analysis and self.style == "compact" and response["label_logprobs"] is not None
        return {
            "id": derived_id(response["id"], "example"),
            "parent": response["id"],
            "review_id": response["parent"],
            "kind": kind,
            "group": kind,
            "prompt": prompted(self.prompting, kind, self.style, review),
            "answer": read.answer,
            "polarity": verdict.polarity if is_analysis else None,
            "opinions": [opinion.model_dump() for opinion in verdict.opinions] if is_analysis else None,
            "labels": POLARITIES if weighed else None,
            "label_logprobs": response["label_logprobs"] if weighed else None,
        }


class _Read(NamedTuple):
    """What became of an answer: its fate, what is taught, and the reasons for what was cleaned away."""

    verdict: Verdict
    answer: str = ""
    cleaned: Sequence[str] = ()


def prompted(prompting: Prompting, kind: str, style: str, review: str) -> str:
    """What a student reads."""
    if prompting == "instructed":
        return prompt(kind, style).render(review)
    return review if prompting == "bare" else f"{kind}: {review}"


def _whole(verdict: Verdict) -> Verdict:
    """A refusal in the place of an acceptance in parts; an opinion said twice is no missing part."""
    lost = [opinion for opinion in verdict.dropped if opinion.reason != "repeat"]
    if verdict.reason is not None or not lost:
        return verdict
    return replace(verdict, reason="partial", detail=f"{lost[0].reason}: {lost[0].said[:200]}")


def _reject(response: dict[str, Any], verdict: Verdict) -> dict[str, Any]:
    return {
        "id": derived_id(response["id"], "example"),
        "parent": response["id"],
        "reason": verdict.reason,
        "detail": verdict.detail,
        "text": response["text"],
    }

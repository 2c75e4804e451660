"""From what the teacher said to what a student is taught: read, check against the review, write canonically."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, ClassVar, Literal

import pyarrow as pa

from fsa_ray.core.artifact import Flow, Rows
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.core.tables import iter_parts, read_table
from fsa_ray.schemas.rows import EXAMPLE
from fsa_ray.sentiment.answers import render_compact, render_json
from fsa_ray.sentiment.prompts import prompt
from fsa_ray.sentiment.verdicts import Verdict, judge_analysis, judge_rewriting
from fsa_ray.stages.rows import commit, derived_id, rejects


class Parse(Stage[Rows]):
    """Keeps answers that can be read and whose quotations are in the review; the others are rejects with a reason.

    `style` is the form in which students answer, whatever form the teacher used. `partial`: what becomes of an analysis
    of which some opinions could not be kept: its rest is kept, or it is dropped whole.
    """

    name: ClassVar[str] = "parse"
    version: ClassVar[int] = 2
    flow: ClassVar[Flow | None] = Flow(source="responses", key="parent")

    responses: tuple[Stage[Rows], ...]
    reviews: Stage[Rows]
    style: Literal["compact", "json"] = "compact"
    partial: Literal["keep", "drop"] = "keep"

    def run(self, ctx: StageContext) -> Rows:
        reviews = read_table(ctx.root, ctx.load(self.reviews).kept, ["id", "text"])
        texts = dict(zip(reviews["id"].to_pylist(), reviews["text"].to_pylist(), strict=True))
        kept: list[dict[str, Any]] = []
        refused: list[dict[str, Any]] = []
        dropped: Counter[str] = Counter()
        for response in self._responses(ctx):
            review = texts[response["parent"]]
            verdict = _judge(response, review)
            dropped.update(opinion.reason for opinion in verdict.dropped)
            if self.partial == "drop":
                verdict = _whole(verdict)
            if verdict.reason is None:
                kept.append(_example(response, review, verdict, self.style))
            else:
                refused.append(_reject(response, verdict))
        ctx.measure(opinions_dropped=dropped.total(), opinions=sum(len(row["opinions"] or []) for row in kept))
        return commit(ctx, pa.Table.from_pylist(kept, EXAMPLE), [rejects(refused)])

    def _responses(self, ctx: StageContext) -> Iterator[dict[str, Any]]:
        for stage in self.responses:
            for part in iter_parts(ctx.root, ctx.load(stage).kept):
                yield from part.to_pylist()


def _whole(verdict: Verdict) -> Verdict:
    """A refusal in the place of an acceptance in parts; an opinion said twice is no missing part."""
    lost = [opinion for opinion in verdict.dropped if opinion.reason != "repeat"]
    if verdict.reason is not None or not lost:
        return verdict
    return replace(verdict, reason="partial", detail=f"{lost[0].reason}: {lost[0].said[:200]}")


def _judge(response: dict[str, Any], review: str) -> Verdict:
    if response["error"] is not None and not response["text"]:
        return Verdict("unanswered", response["error"])
    judge = judge_analysis if response["kind"] == "analysis" else judge_rewriting
    return judge(response["text"], review, response["finish_reason"])


def _example(response: dict[str, Any], review: str, verdict: Verdict, style: str) -> dict[str, Any]:
    is_analysis = response["kind"] == "analysis"
    answer = response["text"].strip()
    if is_analysis:
        assert verdict.polarity is not None
        render = render_compact if style == "compact" else render_json
        answer = render(verdict.polarity, verdict.opinions)
    return {
        "id": derived_id(response["id"], "example"),
        "parent": response["id"],
        "review_id": response["parent"],
        "kind": response["kind"],
        "group": response["kind"],
        "prompt": prompt(response["kind"], style).render(review),
        "answer": answer,
        "polarity": verdict.polarity if is_analysis else None,
        "opinions": [opinion.model_dump() for opinion in verdict.opinions] if is_analysis else None,
    }


def _reject(response: dict[str, Any], verdict: Verdict) -> dict[str, Any]:
    return {
        "id": derived_id(response["id"], "example"),
        "parent": response["id"],
        "reason": verdict.reason,
        "detail": verdict.detail,
        "text": response["text"],
    }

"""From the teacher's answers to task prompts to training examples."""

from typing import Any, ClassVar

import pyarrow as pa

from fsa_ray.core.artifact import Flow, Rows
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.core.tables import iter_parts, read_table
from fsa_ray.schemas.rows import EXAMPLE
from fsa_ray.sentiment.alignment.agreement import agree
from fsa_ray.sentiment.alignment.labelled import Answer
from fsa_ray.sentiment.alignment.reading import read
from fsa_ray.sentiment.alignment.variant import Variant, label_words
from fsa_ray.sentiment.alignment.writing import write
from fsa_ray.sentiment.answers import Dropped
from fsa_ray.sentiment.verdicts import judge_text
from fsa_ray.stages.rows import commit, derived_id, rejects

Row = dict[str, Any]


class Aligned(Stage[Rows]):
    """One example for each record whose answer obeys its format; of several samples the one that most others agree
    with, if at least the share `agreement` does. All other samples are rejects with a reason."""

    name: ClassVar[str] = "aligned"
    version: ClassVar[int] = 1
    flow: ClassVar[Flow | None] = Flow(source="responses", key="parent")

    responses: Stage[Rows]
    records: Stage[Rows]
    agreement: float = 0.5

    def run(self, ctx: StageContext) -> Rows:
        records = {row["id"]: row for row in read_table(ctx.root, ctx.load(self.records).kept).to_pylist()}
        samples: dict[str, list[Row]] = {}
        for part in iter_parts(ctx.root, ctx.load(self.responses).kept):
            for response in part.to_pylist():
                samples.setdefault(response["parent"], []).append(response)
        kept: list[Row] = []
        refused: list[Row] = []
        for record_id, responses in samples.items():
            example, others = self._settled(records[record_id], responses)
            kept.extend([] if example is None else [example])
            refused.extend(others)
        return commit(ctx, pa.Table.from_pylist(kept, EXAMPLE), [rejects(refused)])

    def _settled(self, record: Row, responses: list[Row]) -> tuple[Row | None, list[Row]]:
        """The record's example, if it has one, and the rejects."""
        if record["variant"] is None:
            (response,) = responses
            return _free(record, response)
        variant = Variant.model_validate_json(record["variant"])
        said = [_read(variant, record, response) for response in responses]
        chosen = agree([None if isinstance(one, Dropped) else one for one in said], self.agreement)
        lost = f"{chosen.share:.2f} of the samples agree"
        refused = []
        for number, (response, one) in enumerate(zip(responses, said, strict=True)):
            if isinstance(one, Dropped):
                refused.append(_reject(response, one.reason, one.said))
            elif chosen.winner is None:
                refused.append(_reject(response, "disagreement", lost))
            elif number != chosen.winner:
                refused.append(_reject(response, "spare", lost))
        if chosen.winner is None:
            return None, refused
        answer = said[chosen.winner]
        assert not isinstance(answer, Dropped)
        soft = next((one for one in responses if one["label_logprobs"] is not None), None)
        words = label_words(variant) if soft is not None else None
        logprobs = None if soft is None else soft["label_logprobs"]
        example = _example(record, responses[chosen.winner], write(variant, answer))
        return {**example, "labels": words, "label_logprobs": logprobs}, refused


def _read(variant: Variant, record: Row, response: Row) -> Answer | Dropped:
    if response["error"] is not None and not response["text"]:
        return Dropped("unanswered", response["error"])
    return read(variant, response["text"], record["text"], response["finish_reason"])


def _free(record: Row, response: Row) -> tuple[Row | None, list[Row]]:
    """The answer to another task, if it says something. Nobody can tell whether two such agree, so one is asked."""
    if response["error"] is not None and not response["text"]:
        return None, [_reject(response, "unanswered", response["error"])]
    verdict = judge_text(response["text"], record["text"], response["finish_reason"])
    if verdict.reason is not None:
        return None, [_reject(response, verdict.reason, verdict.detail)]
    return _example(record, response, response["text"].strip()), []


def _example(record: Row, response: Row, answer: str) -> Row:
    return {
        "id": derived_id(response["id"], "example"),
        "parent": response["id"],
        "review_id": record["parent"],
        "kind": record["task"],
        "group": record["task"],
        "prompt": record["prompt"],
        "answer": answer,
    }


def _reject(response: Row, reason: str, detail: str) -> Row:
    own = {"id": derived_id(response["id"], "example"), "parent": response["id"]}
    return {**own, "reason": reason, "detail": detail, "text": response["text"]}

"""What is made of a model's answers about reviews."""

from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest

from fsa_ray.engine.question import Reply
from fsa_ray.evaluation.native import native_prediction
from fsa_ray.evaluation.tasks import load_task
from fsa_ray.stages.annotate import Annotating

REVIEW = "The soup was cold but the waiter was friendly."
WHOLE = "negative\nsoup | food | negative | cold\nwaiter | service | positive | friendly"


def annotated(reply: Reply, opens_thinking: bool = False) -> dict[str, Any]:
    asker = SimpleNamespace(
        chat=SimpleNamespace(opens_thinking=opens_thinking),
        count=lambda words: 1,
        label_logprobs=lambda words, opening, own: own[0].label_logprobs,
    )
    rows = pa.table({"id": ["1"], "text": [REVIEW]})
    (row,) = Annotating(asker, "compact").answers(rows, [reply]).to_pylist()
    return row


def test_a_whole_answer_has_no_error() -> None:
    row = annotated(Reply(WHOLE, finish_reason="stop", label_logprobs=[-3.0, -0.1, -5.0]))
    assert row["error"] is None and len(row["opinions"]) == 2


def test_an_answer_that_was_cut_says_so_and_keeps_what_was_read() -> None:
    row = annotated(Reply(WHOLE[: WHOLE.index("| friendly")], finish_reason="length", label_logprobs=[-3, -0.1, -5]))
    assert row["error"] == "cut at the token limit"
    assert row["polarity"] == "negative" and row["confidence"] == pytest.approx(0.94, abs=0.01)
    assert [opinion["target"] for opinion in row["opinions"]] == ["soup"]
    assert native_prediction(load_task("atsa_rest16"), row) == [{"aspect_term": "soup", "sentiment": "negative"}]


@pytest.mark.parametrize("reply", [Reply("nega", finish_reason="length"), Reply(error="the prompt is too long")])
def test_nothing_that_was_read_is_no_answer(reply: Reply) -> None:
    row = annotated(reply)
    assert row["error"] == reply.error or row["error"] == "cut at the token limit"
    assert native_prediction(load_task("atsa_rest16"), row) is None


def test_thinking_that_never_ends_is_cut_too() -> None:
    assert annotated(Reply("well, the soup", finish_reason="stop"), opens_thinking=True)["error"] == (
        "cut at the token limit"
    )
    assert annotated(Reply("bananas", finish_reason="stop"))["error"] == "unreadable answer: 'bananas'"

import json
import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsa_ray.sentiment.verdicts import judge_analysis, judge_rewriting

REVIEW = "The pizza came cold after 45 minutes, and the waiter never looked at us. My daughter liked the garlic bread."
REWRITTEN = (
    "I was annoyed that my pizza arrived cold when I had already waited 45 minutes. Our waiter ignored us, which "
    "felt rude. At least my daughter was happy with her garlic bread."
)


def test_a_good_analysis_passes_and_keeps_what_is_grounded() -> None:
    answer = "negative\npizza | warmth | negative | came cold\nsoup | taste | positive | lovely"
    verdict = judge_analysis(answer, REVIEW)
    assert verdict.reason is None and verdict.polarity == "negative"
    assert [o.evidence for o in verdict.opinions] == ["came cold"]
    assert [d.reason for d in verdict.dropped] == ["evidence"]
    assert judge_analysis("neutral", REVIEW).reason is None


@pytest.mark.parametrize(
    ("answer", "finish_reason", "reason"),
    [
        ("", "stop", "empty"),
        ("negative\npizza | war", "length", "cut"),
        ("I'm sorry, but I can’t assist with that request.", "stop", "refusal"),
        ("What a nice review", "stop", "format"),
        ("negative\nbroken line", "stop", "format"),
        ("negative\nsoup | taste | positive | lovely\nrice | taste | positive | fine", "stop", "invented"),
    ],
)
def test_bad_analyses_are_refused(answer: str, finish_reason: str, reason: str) -> None:
    assert judge_analysis(answer, REVIEW, finish_reason).reason == reason


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (REWRITTEN, None),
        (" \n", "empty"),
        ("I am unable to rewrite this review.", "refusal"),
        (REVIEW.upper(), "copy"),
        (REWRITTEN + "\n\nReview: The sushi was fine.", "invented"),
        (REWRITTEN + " I paid 30 dollars.", "invented"),
        ("Cold pizza.", "short"),
        (REWRITTEN * 3, "repeat"),
        ("My cat sleeps all day on the sofa while outside it rains and I read novels by the fire in peace.", "drift"),
        (" ".join(f"word{i:c}" for i in range(97, 600)), "long"),
    ],
)
def test_rewritings(answer: str, reason: str | None) -> None:
    assert judge_rewriting(answer, REVIEW).reason == reason
    assert judge_rewriting(REWRITTEN, REVIEW, "length").reason == "cut"


def test_scripts_without_blanks_can_be_rewritten() -> None:
    assert judge_rewriting("我很失望，披萨送来时已经凉了。", "披萨送来是凉的，失望").reason is None


def test_what_the_review_says_itself_is_no_refusal() -> None:
    review = "The staff said: I cannot help you. Terrible."
    assert (
        judge_rewriting("I felt terrible when the staff said I cannot help you, so rude to me.", review).reason is None
    )


@given(st.text(), st.text())
def test_any_text_gets_a_verdict(answer: str, review: str) -> None:
    for judge in (judge_analysis, judge_rewriting):
        assert judge(answer, review).reason is None or " " not in str(judge(answer, review).reason)


@pytest.mark.parametrize(
    "unit", ["a", " ", "|", "{", "\n", "a | b | positive | c\n", "review: ", "can't ", "é", '{"a":']
)
def test_a_megabyte_is_judged_in_seconds(unit: str) -> None:
    text = unit * (1_000_000 // len(unit))
    started = time.process_time()
    judge_analysis("positive\n" + text, text)
    judge_analysis(text, text)
    judge_rewriting(text, text[::-1])
    assert time.process_time() - started < 15


def test_most_real_rewritings_pass() -> None:
    root = os.environ.get("FSA_RAY_DATA")
    if not root:
        pytest.skip("FSA_RAY_DATA does not name a data directory")
    lines = (Path(root) / "fixtures" / "teacher_answers_mixtral.jsonl").read_text("utf-8-sig").splitlines()
    rows = [row for row in map(json.loads, lines) if "Opinion Target" not in row["mixtral_response"]]
    verdicts = [judge_rewriting(row["mixtral_response"], row["Text"]) for row in rows]
    assert sum(v.reason is None for v in verdicts) >= 0.95 * len(rows) > 50

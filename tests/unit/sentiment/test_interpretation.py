import json
import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsa_ray.schemas.opinion import POLARITIES
from fsa_ray.sentiment.interpretation import Judgement, read_interpretation, render_interpretation, says_nothing
from fsa_ray.sentiment.verdicts import judge_interpretation

REVIEW = "The pizza came cold after 45 minutes. The staff was kind."
WARMTH = Judgement("pizza", "Warmth", "Negative", "negative", "plain", 'It "came cold".')
TIME = Judgement("pizza", "Time", "Mildly Negative", "negative", "mild")
MANNER = Judgement(None, "Manner", "Very Positive", "positive", "strong", 'Somebody "was kind".')
TEXT = (
    'Opinion Target 1: "pizza"\nAspect: Warmth\nSentiment: Negative\nReasoning: It "came cold".\n\n'
    "Aspect: Time\nSentiment: Mildly Negative\n\n"
    'Opinion Target 2: -\nAspect: Manner\nSentiment: Very Positive\nReasoning: Somebody "was kind".'
)
PIECES = [
    "Opinion Target 1:", "opinion target:", "Aspect:", "Aspect 2:", "Sentiment:", "**Reasoning:**", "Reasoning (why):",
    "\n", "\n\n", " ", '"', "pizza", "positive", "Mild", ", which is", "(x)", "[", "]", "-", " -- ", "*", ".", "1. ",
    "However",
]  # fmt: skip
drafts = st.text() | st.lists(st.sampled_from(PIECES), max_size=40).map("".join)


def test_the_canonical_text() -> None:
    assert render_interpretation([WARMTH, TIME, MANNER]) == TEXT
    assert read_interpretation(TEXT).judgements == (WARMTH, TIME, MANNER)
    assert says_nothing(render_interpretation([])) and not read_interpretation(render_interpretation([])).judgements


@given(drafts)
def test_what_was_read_is_read_back_from_its_rendering(text: str) -> None:
    read = read_interpretation(text)
    again = read_interpretation(render_interpretation(read.judgements))
    assert again.judgements == read.judgements and again.dropped == ()
    for said in read.judgements:
        assert said.polarity is None or said.polarity in POLARITIES
        said.reasoning.encode()


@given(drafts, drafts, st.sampled_from([None, "stop", "length"]))
def test_any_text_gets_a_verdict(answer: str, review: str, finish_reason: str | None) -> None:
    verdict = judge_interpretation(answer, review, finish_reason)
    assert (verdict.reason is not None) or verdict.judgements


@pytest.mark.parametrize(
    ("written", "target"),
    [
        ('"pizza"', "pizza"),
        ("pizza", "pizza"),
        ('"it", as in "it came cold"', "it"),
        ('"tea", "cake"', "tea, cake"),
        ('"smell" of the pizza', "smell of the pizza"),
        ("Speaker (only implied)", "Speaker"),
        ("(how they treat guests)", "how they treat guests"),
        ("[Product]", None),
        ("N/A", None),
        ("", None),
    ],
)
def test_targets(written: str, target: str | None) -> None:
    assert read_interpretation(TEXT.replace('"pizza"', written)).judgements[0].target == target


def test_blocks_in_markup_and_on_one_line() -> None:
    marked = "1. **Opinion Target 1:** \"pizza\"\n   - **Aspect 1:** Warmth\n   - **Sentiment 1:** 'Negative'"
    line = 'Opinion Target 1: "pizza", Aspect: "Warmth", Sentiment: Negative'
    assert [(s.target, s.aspect, s.polarity) for s in read_interpretation(marked).judgements] == [
        (s.target, s.aspect, s.polarity) for s in read_interpretation(line).judgements
    ]


def test_blocks_that_lack_something_are_dropped() -> None:
    read = read_interpretation(f"Aspect: A\n\n{TEXT}\n\nOpinion Target 3: x\nSentiment: Positive")
    assert len(read.judgements) == 3 and [part.reason for part in read.dropped] == ["label", "aspect"]


def test_a_good_interpretation_passes() -> None:
    verdict = judge_interpretation(f"{TEXT}\n\nReview: The tea was weak.\n{TEXT}", REVIEW)
    assert verdict.reason is None and verdict.judgements == (WARMTH, TIME, MANNER)
    assert [part.reason for part in verdict.dropped] == ["invented"]
    odd = judge_interpretation(TEXT.replace("Mildly Negative", "Chilly"), REVIEW)
    assert odd.judgements == (WARMTH, MANNER) and [part.reason for part in odd.dropped] == ["polarity"]


@pytest.mark.parametrize(
    ("answer", "finish_reason", "reason"),
    [
        (" \n", "stop", "empty"),
        ("I'm sorry, but I cannot analyze this text.", "stop", "refusal"),
        ("What a nice review.", "stop", "format"),
        (TEXT, "length", None),
        (TEXT + "\n\nAspect: Pri", "length", None),
        (TEXT[:60], "length", "cut"),
        (TEXT.replace("pizza", "tea").replace("came", "was").replace("kind", "nice"), "stop", "invented"),
        (TEXT + " It is kind and nice." * 40, "stop", "repeat"),
    ],
)
def test_verdicts(answer: str, finish_reason: str, reason: str | None) -> None:
    assert judge_interpretation(answer, REVIEW, finish_reason).reason == reason


@pytest.mark.parametrize("unit", ["a", '"', "'a' ", "Aspect: a\n", f"{TEXT}\n\n", "Aspect: a\nSentiment: positive\n"])
def test_a_long_answer_is_judged_in_seconds(unit: str) -> None:
    text = unit * (200_000 // len(unit))
    started = time.process_time()
    judge_interpretation(text, text, "length")
    judge_interpretation(TEXT + text, text[::-1])
    assert time.process_time() - started < 5


def test_most_real_interpretations_pass_and_those_of_other_reviews_do_not() -> None:
    root = os.environ.get("FSA_RAY_DATA")
    if not root:
        pytest.skip("FSA_RAY_DATA does not name a data directory")
    lines = (Path(root) / "fixtures" / "teacher_answers_mixtral.jsonl").read_text("utf-8-sig").splitlines()
    rows = [row for row in map(json.loads, lines) if "Opinion Target" in row["mixtral_response"]]
    passed = [judge_interpretation(row["mixtral_response"], row["Text"]).reason is None for row in rows]
    others = [row["Text"] for row in (*rows[1:], rows[0])]
    fooled = [
        judge_interpretation(row["mixtral_response"], other).reason is None
        for row, other in zip(rows, others, strict=True)
    ]
    assert sum(passed) >= 0.95 * len(rows) > 50
    assert sum(fooled) <= 0.15 * len(rows)

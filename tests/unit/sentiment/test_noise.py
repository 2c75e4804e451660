import json
import os
import re
import time
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fsa_ray.sentiment.noise import clean

REVIEW = "The pizza came cold after 45 minutes. Please note this review is of the night shift: the staff was kind."
BLOCK = 'Opinion Target 1: "pizza"\nAspect: Warmth\nSentiment: Negative\nReasoning: It "came cold".'
SECOND = 'Opinion Target 2: "staff"\nAspect: Manner\nSentiment: Very Positive\nReasoning: The word "kind" says so.'
BOTH = f"{BLOCK}\n\n{SECOND}"
PROSE = "I was annoyed by a cold pizza. At least the staff treated me with kindness."

SPARSE = [
    "Opinion Target 1: \"x\"", "Opinion Target 2: y", "Aspect: a", "Sentiment: Positive", "Sentiment: Mild",
    "Sentiment: Pos",
    "Reasoning: It is good.", "Reasoning: It is good. And", "Reasoning: no end", "Reasoning:", "Review: x y", "Review:",
    "Rewritten: I like it.", "Confidence: 90%", "It was good. Confidence: 90%. And", "Note that this task is hard.",
    "Consent: yes", "ID: 3", "Response:", '["a"]', "However, it is. So", "I like it very much indeed.", "- item", "",
    " Aspect: b, Sentiment: Negative - Reasoning: z", "Example 2:", "Your task:", "I like it very much indeed. And",
    "confidence: 90% Aspect: c", "***", "Sure! Here is the rewritten review: I go", "The rewritten review is short",
]  # fmt: skip
drafts = st.text() | st.lists(st.sampled_from(SPARSE)).map("\n".join) | st.lists(st.sampled_from(SPARSE)).map(" ".join)


@pytest.mark.parametrize(
    ("noise", "reason"),
    [
        ("Review: The tea was weak.\n\n" + BLOCK, "invented"),
        ("Consider the following reviews:\n\nReview: The tea was weak.", "invented"),
        ("Example 2:\nthe tea was weak", "invented"),
        ("### Input 3: the tea was weak", "invented"),
        ("Let's analyze another review: the tea was weak", "invented"),
        ("Your task:\nrewrite this", "invented"),
        ("Response:\n['Opinion Target 1: ...']", "repeat"),
        ('[{"target": "pizza"}]', "repeat"),
        ("Confidence: 90%", "confidence"),
        ("(Confidence level: high)", "confidence"),
        ("Consent: the user agreed.", "remark"),
        ("ID: none was given", "remark"),
        ("(Note that no implicit sentiment was asked for in this prompt)", "comment"),
        ("As instructed, the analysis has all fields.", "comment"),
        ("Please label the sentiments above.", "comment"),
        ("The rewritten review keeps the sentiment of the customer.", "comment"),
    ],
)
def test_noise_after_an_answer_is_removed(noise: str, reason: str) -> None:
    for answer in (PROSE, BOTH):
        cleaned = clean(f"{answer}\n\n{noise}", REVIEW)
        assert cleaned.text == answer
        assert {part.reason for part in cleaned.removed} == {reason}
        assert cleaned.removed[0].said.startswith(" ".join(noise.split())[:8])


@pytest.mark.parametrize(
    "answer",
    [
        PROSE,
        BOTH,
        '{"polarity": "negative",\n"opinions": [\n["pizza"]\n]}',
        "",
        "positive",
        "我很失望，披萨是凉的。",
        "- cold pizza\n- kind staff",
    ],
)
def test_clean_answers_stay(answer: str) -> None:
    assert clean(answer, REVIEW) == clean(answer, "") and clean(answer, REVIEW).text == answer


def test_the_words_of_the_review_are_no_noise() -> None:
    own = "Please note this review is of the night shift."
    assert clean(f"{PROSE}\n{own}", REVIEW).text == f"{PROSE}\n{own}"
    assert clean(f"{PROSE}\n{own}", "").text == PROSE


@pytest.mark.parametrize(
    "line",
    [
        "Note: bring cash.",
        "Keep in mind that it handles simple tasks only.",
        "Please do not change this recipe!",
        "In summary: go.",
        "Let's look at the following points.",
        "As requested, the room was quiet.",
        "I have full confidence in them.",
    ],
)
def test_what_a_customer_may_say_stays(line: str) -> None:
    assert clean(f"{PROSE}\n{line}\n{PROSE[:30]}", REVIEW).text == f"{PROSE}\n{line}\n{PROSE[:30]}"


@pytest.mark.parametrize("answer", [PROSE, BOTH])
@pytest.mark.parametrize(
    "head", ["Rewritten review: ", "Sure! Here is the rewritten review:\n\n", f"Review: {REVIEW}\n\n"]
)
def test_labels_and_echoes_before_an_answer_are_removed(head: str, answer: str) -> None:
    assert clean(head + answer, REVIEW).text == answer


def test_what_is_said_again_is_removed() -> None:
    assert clean(f"{PROSE}\n\n{PROSE}", REVIEW).text == PROSE
    assert clean(f"{BOTH}\n\nSolution:\n\nReview: {REVIEW}\n\n{BOTH[:-9]}", REVIEW).text == BOTH
    assert clean(f"{PROSE}\n\nReview: {REVIEW}\nRewritten: {PROSE}", REVIEW).text == PROSE
    bare = "\n".join(line for line in BOTH.split("\n") if not line.startswith("Reasoning"))
    assert clean(f"{bare}\n\nFinal answer:\n{BOTH}", REVIEW).text == BOTH


@pytest.mark.parametrize(
    ("answer", "left"),
    [
        (PROSE + " The room was", PROSE),
        (PROSE + "\n\nThe room was", PROSE),
        (BOTH + " The room was", BOTH),
        (BOTH + "\n\nAspect: Speed", BOTH),
        (BOTH + "\n\nAspect: Speed\nSentiment", BOTH),
        (BOTH + "\n\nAspect: Speed\nSentiment: Pos", BOTH),
        (BOTH + "\n\nAspect: Speed\nSentiment: Mild", BOTH),
        (BOTH + "\n\nAspect: Pace\nSentiment: Positive\nReasoning: It", BOTH + "\n\nAspect: Pace\nSentiment: Positive"),
        (BOTH + "\n\nOpinion Target 3", BOTH),
    ],
)  # fmt: skip
def test_a_cut_tail_is_removed(answer: str, left: str) -> None:
    assert clean(answer, REVIEW).text == left


def test_answers_without_full_stops_are_cut_only_if_told() -> None:
    plain = "Aspect: Speed\nSentiment: Positive\nReasoning: they are fast"
    assert clean(plain, REVIEW).text == plain
    assert clean(plain, REVIEW, cut=True).text == "Aspect: Speed\nSentiment: Positive"
    assert clean("a cold pizza", REVIEW).text == "a cold pizza"
    assert clean("a cold pizza", REVIEW, cut=True).text == ""


def test_reasoning_goes_on_over_lines() -> None:
    longer = f"{BLOCK}\nIt was late too.\nHowever, it was a pizza.\n\n{SECOND}"
    assert clean(longer.replace("too.\n", "too.\n\n"), REVIEW).text == longer
    assert clean(f"{BLOCK}\n\nThe customer sounds sad.\n\n{SECOND}", REVIEW).text == BOTH


def test_fields_on_one_line_get_their_own() -> None:
    assert clean(BOTH.replace("\nAspect", ", Aspect").replace("\nSentiment", " -- Sentiment"), REVIEW).text == BOTH


@settings(max_examples=300)
@given(drafts, drafts, st.booleans())
@example("\ud800\0", "\ud800", False)
def test_cleaning_is_idempotent_and_adds_nothing(text: str, review: str, cut: bool) -> None:
    cleaned = clean(text, review, cut=cut)
    assert clean(cleaned.text, review, cut=cut).text == cleaned.text
    letters = iter(c for c in text if not c.isspace())
    assert all(c in letters for c in cleaned.text if not c.isspace())
    assert all(len(part.said) <= 200 for part in cleaned.removed)


@pytest.mark.parametrize(
    "unit",
    ["a", " ", "*", "\n", "- ", '"', "Aspect: ", "Aspect: a\nSentiment: Mild\n", "Aspect: a Sentiment: b ", "Review: ",
     "Rewritten: ", "confidence: 90%. zz ", "zz (confidence: 90%) ", "Reasoning: a\nb\n", "id: 1\n", "(", "e.g. ",
     "x. ", "Opinion Target 1: (", "Sure! ", "Consider these ",
     "Aspect: a\nSentiment: positive\nReasoning: b\nc. d\nc\n"],
)  # fmt: skip
def test_hostile_texts_take_seconds(unit: str) -> None:
    text = unit * (200_000 // len(unit))
    started = time.process_time()
    clean(text, text[::-1])
    clean(BLOCK + "\nReasoning: a. b\n" + text, text, cut=True)
    assert time.process_time() - started < 10


def test_real_answers_lose_inventions_and_keep_their_blocks() -> None:
    root = os.environ.get("FSA_RAY_DATA")
    if not root:
        pytest.skip("FSA_RAY_DATA does not name a data directory")
    lines = (Path(root) / "fixtures" / "teacher_answers_mixtral.jsonl").read_text("utf-8-sig").splitlines()
    rows = [json.loads(line) for line in lines]
    invented = left = blocks = kept = 0
    for row in rows:
        answer, review = row["mixtral_response"], row["Text"]
        text = clean(answer, review).text
        assert clean(text, review).text == text
        starts = [found.start() for found in re.finditer(r"(?m)^ *Review[ \d]*:", answer)]
        invented, left = invented + len(starts), left + len(re.findall(r"(?m)^ *Review[ \d]*:", text))
        true = answer[: min(starts, default=len(answer))]
        blocks, kept = blocks + _labels(true), kept + _labels(text)
    assert (invented > 10, left) == (True, 0)
    assert kept >= 0.95 * blocks > 400


def _labels(text: str) -> int:
    return len(re.findall(r"(?:^| )Sentiment *\d*:", text, re.M))

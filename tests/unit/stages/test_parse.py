"""Every response becomes an example or a reject, and what an example quotes is in the review."""

from typing import Any

import pytest

from fsa_ray.stages.parse import Parse


def response(number: int, review: dict[str, Any], text: str, kind: str = "analysis", **more: Any) -> dict[str, Any]:
    return {
        "id": f"{number + 1000:032x}", "parent": review["id"], "kind": kind, "text": text, "tries": 1,
        "finish_reason": "stop", **more,
    }  # fmt: skip


@pytest.fixture
def soup(review: Any) -> Any:
    return review(1, "The soup was cold, but Anna was kind.")


GOOD = "neutral\nsoup | food | negative | was cold\nAnna | service | positive | was kind"


def test_a_good_answer_is_taught_in_the_canonical_form(workshop: Any, soup: Any) -> None:
    answer = '{"polarity": "mixed", "opinions": [{"target": "SOUP", "aspect": "Food", "polarity": "negative", '
    answer += '"evidence": "was  cold"}, {"target": "Anna", "aspect": "service", "polarity": "positive", '
    answer += '"evidence": "was kind"}]}'
    for text in (GOOD, answer):
        stage = Parse(
            responses=(workshop.given("response", [response(1, soup, text)]),), reviews=workshop.given("review", [soup])
        )
        (example,) = workshop.kept(stage)
        assert example["answer"] == GOOD
        assert example["prompt"].endswith(soup["text"])
        assert example["review_id"] == soup["id"]
        assert all(finding.passed for finding in workshop.verify(stage))


@pytest.mark.parametrize(
    ("text", "more", "reason"),
    [
        ("", {"error": "ValueError: prompt too long", "finish_reason": None}, "unanswered"),
        ("neutral\nsoup | food", {"finish_reason": "length", "error": "cut at the token limit"}, "cut"),
        ("I cannot help with that.", {"error": "unreadable answer"}, "refusal"),
        ("bananas", {"error": "unreadable answer"}, "format"),
        ("negative\npizza | food | negative | was burnt", {}, "invented"),
    ],
)
def test_a_bad_answer_is_a_reject_with_its_reason(workshop: Any, soup: Any, text: str, more: Any, reason: str) -> None:
    stage = Parse(
        responses=(workshop.given("response", [response(1, soup, text, **more), response(2, soup, GOOD)]),),
        reviews=workshop.given("review", [soup]),
    )
    (reject,) = workshop.rejected(stage)
    assert reject["reason"] == reason
    assert len(workshop.kept(stage)) == 1
    assert all(finding.passed for finding in workshop.verify(stage))


def test_an_opinion_that_is_not_in_the_review_is_dropped_and_counted(workshop: Any, soup: Any) -> None:
    stage = Parse(
        responses=(workshop.given("response", [response(1, soup, GOOD + "\nwine | drinks | positive | superb")]),),
        reviews=workshop.given("review", [soup]),
    )
    (example,) = workshop.kept(stage)
    assert example["answer"] == GOOD
    assert [opinion["target"] for opinion in example["opinions"]] == ["soup", "Anna"]


def test_an_answer_of_which_a_part_is_lost_can_be_dropped_whole(workshop: Any, soup: Any) -> None:
    said = [
        response(1, soup, GOOD + "\nwine | drinks | positive | superb"),
        response(2, soup, GOOD + "\nsoup | food | negative | was cold"),
    ]
    stage = Parse(
        responses=(workshop.given("response", said),), reviews=workshop.given("review", [soup]), partial="drop"
    )
    (reject,) = workshop.rejected(stage)
    assert (reject["parent"], reject["reason"]) == (said[0]["id"], "partial")
    assert len(workshop.kept(stage)) == 1


def test_answers_of_several_stages_are_read(workshop: Any, soup: Any) -> None:
    stage = Parse(
        responses=tuple(workshop.given("response", [response(number, soup, GOOD)]) for number in (1, 2)),
        reviews=workshop.given("review", [soup]),
    )
    assert len(workshop.kept(stage)) == 2
    assert all(finding.passed for finding in workshop.verify(stage))


def test_a_rewriting_is_taught_as_it_stands(workshop: Any, soup: Any) -> None:
    text = "I did not like the soup, which came cold. I liked Anna very much because she treated me kindly."
    stage = Parse(
        responses=(workshop.given("response", [response(1, soup, text, "rewriting")]),),
        reviews=workshop.given("review", [soup]),
    )
    (example,) = workshop.kept(stage)
    assert (example["answer"], example["polarity"], example["opinions"]) == (text, None, None)


NOISY = (
    'Opinion Target 1: "soup"\nAspect: temperature\nSentiment: Very Negative\nReasoning: "was cold" is a complaint.\n\n'
    "Confidence: 90%\n\nConsider the following reviews:\n\nReview: my laptop is slow\n\n"
    'Opinion Target 1: "laptop"\nAspect: speed\nSentiment: Negative\nReasoning: "slow".'
)


def test_an_interpretation_is_cleaned_and_counted(workshop: Any, soup: Any) -> None:
    stage = Parse(
        responses=(workshop.given("response", [response(1, soup, NOISY, "interpretation")]),),
        reviews=workshop.given("review", [soup]),
        prompting="bare",
    )
    (example,) = workshop.kept(stage)
    assert "laptop" not in example["answer"] and "Very Negative" in example["answer"] and "90" not in example["answer"]
    assert example["prompt"] == soup["text"]
    measures = workshop.measures(stage)
    assert measures["cleaned_invented"] >= 1 and measures["cleaned_confidence"] == 1


@pytest.mark.parametrize(("prompting", "begins"), [("prefixed", "emotion: The soup"), ("bare", "The soup")])
def test_what_a_student_reads_is_said_by_the_spec(workshop: Any, soup: Any, prompting: Any, begins: str) -> None:
    told = response(1, soup, "The writer is angry at the cold soup and pleased with Anna.", "emotion")
    stage = Parse(
        responses=(workshop.given("response", [told]),), reviews=workshop.given("review", [soup]), prompting=prompting
    )
    assert workshop.kept(stage)[0]["prompt"].startswith(begins)


@pytest.mark.parametrize(("style", "weighed"), [("compact", True), ("json", False)])
def test_the_teachers_probabilities_go_with_answers_that_begin_with_a_polarity(
    workshop: Any, soup: Any, style: Any, weighed: bool
) -> None:
    told = response(1, soup, GOOD, label_logprobs=[-2.0, -1.0, -0.5])
    stage = Parse(
        responses=(workshop.given("response", [told]),), reviews=workshop.given("review", [soup]), style=style
    )
    (example,) = workshop.kept(stage)
    assert (example["label_logprobs"] == [-2.0, -1.0, -0.5]) == weighed
    assert (example["labels"] == ["positive", "negative", "neutral"]) == weighed

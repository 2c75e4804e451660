"""What can be taught of answers to instructions."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsa_ray.sentiment.answers import Dropped
from fsa_ray.sentiment.instructions.carried_out import read_carried_out

REVIEW = "The soup was cold and the waiter shrugged."


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("", "empty"),
        ('{"something": "else"}', "format"),
        (' ["cold", "shrugged"]\n', "format"),
        ('{"attributes": [{"na', "format"),
        ('```json\n{"tone": "cold"}\n```', "format"),
        ("I'm sorry, I can't help with that.", "refusal"),
        ("no no no no no no no no no no no no", "repeat"),
    ],
)
def test_an_analysis_is_prose(answer: str, reason: str) -> None:
    read = read_carried_out(None, answer, REVIEW)
    assert isinstance(read, Dropped) and read.reason == reason


@pytest.mark.parametrize("answer", ["[Sic] cold soup annoys the writer.", "{x} is how the waiter answers.", "Cold."])
def test_prose_may_begin_with_a_bracket(answer: str) -> None:
    assert read_carried_out(None, f" {answer}\n", REVIEW) == answer


def test_a_cut_answer_is_none() -> None:
    assert read_carried_out(None, "The writer", REVIEW, "length") == Dropped(
        "cut", "the answer reached the token limit"
    )


@settings(max_examples=50)
@given(st.text(alphabet='[]{}":,a1 \\\n', max_size=60))
def test_nothing_raises(answer: str) -> None:
    assert isinstance(read_carried_out(None, answer, REVIEW), str | Dropped)

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsa_ray.reporting.highlight import excerpt, pieces
from fsa_ray.schemas.opinion import Opinion


def opinion(evidence: str, polarity: str = "positive") -> Opinion:
    return Opinion.model_validate({"target": None, "aspect": "a", "polarity": polarity, "evidence": evidence})


def test_overlapping_evidence_is_cut_at_each_end() -> None:
    found = pieces("one two three", [opinion("one two"), opinion("two three", "negative")])
    assert [(piece.text, piece.opinions, piece.polarity, piece.ends) for piece in found] == [
        ("one ", (1,), "positive", ()),
        ("two", (1, 2), "positive", (1,)),
        (" three", (2,), "negative", (2,)),
    ]


@pytest.mark.parametrize("evidence", ["GREAT soup", "great  soup", "great | soup", "great soup"])
def test_case_white_space_and_bars_do_not_matter(evidence: str) -> None:
    assert [piece.text for piece in pieces("a great\n|\tsoup!", [opinion(evidence)]) if piece.opinions] == [
        "great\n|\tsoup"
    ]


def test_what_does_not_occur_marks_nothing() -> None:
    found = pieces("a (b) c", [opinion("x.*"), opinion(""), opinion("|"), opinion(" ")])
    assert [(piece.text, piece.opinions) for piece in found] == [("a (b) c", ())]


def test_bars_take_no_exponential_time() -> None:
    started = time.process_time()
    pieces("a" + "|" * 1_000, [opinion("a " + "| " * 200 + "b")])
    assert time.process_time() - started < 1


@given(st.text(), st.lists(st.text(max_size=5)))
def test_pieces_join_to_the_text(text: str, evidence: list[str]) -> None:
    assert "".join(piece.text for piece in pieces(text, [opinion(words) for words in evidence])) == text


@given(st.text(max_size=60), st.integers(20, 40))
def test_an_excerpt_and_what_is_hidden_are_the_whole(text: str, limit: int) -> None:
    part = excerpt(text, limit)
    assert text.startswith(part.text)
    assert len(part.text) + part.hidden == len(text)
    assert len(part.text) <= limit


def test_an_emoji_is_not_cut() -> None:
    astronaut = "👩\u200d🚀"
    assert excerpt("ab" + astronaut, 3).text == "ab"
    assert excerpt("ab" + astronaut, 4).text == "ab"
    assert excerpt("ae\u0301", 2).text == "a"

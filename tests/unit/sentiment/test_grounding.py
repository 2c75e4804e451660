import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsa_ray.schemas.opinion import Opinion
from fsa_ray.sentiment.grounding import FoldedText, ground

REVIEW = "The  Pizza wasn’t\nbad — “crème brûlée” | was… GREAT! Badge ok. 价格太贵了"


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("the pizza", "The Pizza"),
        ("wasn't bad", "wasn’t bad"),
        ('"creme brulee" was', "“crème brûlée” | was"),
        ("was... great", "was… GREAT"),
        ("价格", "价格"),
        ("bad", "bad"),
        ("badge OK", "Badge ok"),
        ("pizz", None),
        ("adge", None),
        ("the pizza was bad", None),
        ("", None),
        (" \u200b", None),
    ],
)
def test_quotations_are_found_in_the_reviews_own_spelling(words: str, found: str | None) -> None:
    assert FoldedText(REVIEW).find(words) == found


@given(st.text(), st.data())
def test_whole_words_of_a_review_are_always_found(review: str, data: st.DataObject) -> None:
    pieces = review.split()
    if pieces:
        start = data.draw(st.integers(0, len(pieces) - 1))
        words = " ".join(pieces[start : data.draw(st.integers(start + 1, len(pieces)))])
        folded = FoldedText(review)
        assert FoldedText(words).text.strip() == "" or folded.find(words) is not None


def test_invented_evidence_and_targets_are_dropped() -> None:
    def opinion(target: str | None, evidence: str) -> Opinion:
        return Opinion(target=target, aspect="taste", polarity="positive", evidence=evidence)

    said = [
        opinion("pizza", '"Great!"'), opinion(None, "great"), opinion("pasta", "great"), opinion("pizza", "superb"),
        opinion("PIZZA", "great"),
    ]  # fmt: skip
    kept, dropped = ground(said, "The pizza was great!")
    assert kept == (opinion("pizza", "great!"), opinion(None, "great"), opinion("pizza", "great"))
    assert [(d.reason, d.said) for d in dropped] == [("target", "pasta"), ("evidence", "superb")]
    assert ground([said[1], said[1]], "great")[1][0].reason == "repeat"


def test_a_megabyte_review_takes_seconds_at_most() -> None:
    started = time.process_time()
    ground([Opinion(target="aa", aspect="a", polarity="neutral", evidence="a" * 999)] * 3, "a" * 1_000_000)
    assert time.process_time() - started < 10


@given(st.text(st.characters(max_codepoint=127)), st.text(st.characters(max_codepoint=127), max_size=5))
def test_plain_texts_are_folded_like_all_others(review: str, words: str) -> None:
    plain, other = FoldedText(review), FoldedText(f"{review}ж")
    assert other.text == f"{plain.text}ж"
    start = len(plain.text) // 2
    for sought in (words, plain.text[start : start + 3], review):
        if not (sought and sought[-1].isalnum() and review.endswith(sought)):  # the other's last word is longer
            assert plain.find(sought) == other.find(sought) or other.find(sought) is None

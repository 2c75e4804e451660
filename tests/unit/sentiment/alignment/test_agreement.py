import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsa_ray.schemas.opinion import POLARITIES
from fsa_ray.sentiment.alignment.agreement import Agreement, agree, entry_f1
from fsa_ray.sentiment.alignment.labelled import Answer, Entry

SOUP, WAITER, BILL = ("soup", "negative"), ("waiter", "positive"), (None, "neutral")


def test_the_majority_of_labels_wins_by_its_share_of_all_samples() -> None:
    assert agree(["negative", "positive", None, "positive"], 0.5) == Agreement(1, 0.5)
    assert agree(["negative", "positive", None, "positive"], 0.6) == Agreement(None, 0.5)
    assert agree(["negative", "positive"], 0.0) == Agreement(0, 0.5)
    assert agree(["neutral"], 1.0) == Agreement(0, 1.0)


def test_the_list_that_is_most_like_the_others_wins() -> None:
    lists: list[Answer | None] = [(SOUP,), (SOUP, WAITER), (WAITER, SOUP, BILL), ()]
    winner, share = agree(lists, 0.0)
    assert (winner, share) == (1, pytest.approx((2 / 3 + 4 / 5 + 0) / 3))
    assert agree(lists, 0.5) == Agreement(None, share)
    assert agree([(SOUP, WAITER), (WAITER, SOUP)], 1.0) == Agreement(0, 1.0)
    assert agree([(), (), None], 0.5) == Agreement(0, 0.5)
    assert agree([None, (SOUP,)], 0.0) == Agreement(1, 0.0)
    assert agree([()], 1.0) == Agreement(0, 1.0)


def test_without_a_readable_sample_nobody_wins() -> None:
    assert agree([], 0.0) == agree([None, None], 0.0) == Agreement(None, 0.0)
    with pytest.raises(ValueError, match="from 0 to 1"):
        agree([], 1.5)


entries = st.tuples(st.sampled_from(["a", "b", "c", None]), st.sampled_from(POLARITIES))
lists = st.lists(entries, unique=True, max_size=4).map(tuple)
samples = st.lists(st.none() | lists, max_size=7) | st.lists(st.none() | st.sampled_from(POLARITIES), max_size=7)


@given(samples, st.randoms())
def test_the_order_of_samples_matters_for_ties_only(answers: list[Answer | None], source: object) -> None:
    found = agree(answers, 0.0)
    assert 0.0 <= found.share <= 1.0
    assert (found.winner is None) == all(answer is None for answer in answers)
    shuffled = list(answers)
    source.shuffle(shuffled)  # type: ignore[attr-defined]
    assert agree(shuffled, 0.0).share == found.share
    if found.winner is not None:
        assert answers.index(answers[found.winner]) == found.winner


@given(lists, lists)
def test_f1_is_symmetric_and_one_for_equal_sets(one: tuple[Entry, ...], other: tuple[Entry, ...]) -> None:
    assert entry_f1(one, other) == entry_f1(other, one)
    assert (entry_f1(one, other) == 1.0) == (set(one) == set(other))

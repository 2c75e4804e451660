"""What each protocol counts, on small sentences."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsa_ray.evaluation.item import Entry, Item
from fsa_ray.evaluation.scorecard import score
from fsa_ray.evaluation.tasks import TASKS, load_task

ATSA, ACSA, ASQP, OPENER = (load_task(name) for name in ("atsa_rest16", "acsa_rest16", "asqp_rest16", "opener"))
SOUP = "The soup was good, the other soup cold."


def pair(term: str | None, sentiment: str, **place: Any) -> Entry:
    return {"aspect_term": term, "sentiment": sentiment} | {f"aspect_term_{k}": v for k, v in place.items()}


def soup(*gold: Entry) -> Item:
    return Item("1", 0, SOUP, list(gold))


GOLD = soup(pair("soup", "positive", offsets=[[4, 8]]), pair("soup", "negative", offsets=[[29, 33]]))


@pytest.mark.parametrize(
    ("place", "right"),
    [
        ({}, True),
        ({"offsets": [[4, 8]]}, True),
        ({"offsets": ["4:8"]}, True),
        ({"offsets": [[29, 33]]}, False),
        ({"occurrence": 1}, True),
        ({"occurrence": 2}, False),
        ({"occurrence": 3}, False),
        ({"offsets": [[4, 9]]}, False),
        ({"offsets": [[4, 999]]}, False),
        ({"offsets": [[-35, -31]]}, False),
        ({"offsets": [[float("inf"), 8]]}, True),
        ({"offsets": "somewhere", "occurrence": 2}, False),
    ],
)
def test_strict_believes_the_place_that_an_answer_names(place: dict[str, Any], right: bool) -> None:
    stats = ATSA.judge(GOLD, [pair("soup", "positive", **place)], "strict").stats
    assert stats == ((1, 1, 1, 2) if right else (0, 1, 0, 2))


def test_repeats_illegal_entries_and_null_terms() -> None:
    answer = [pair("soup", "positive"), pair("soup", "positive"), pair("pasta", "positive"), pair("NULL", "negative")]
    assert ATSA.judge(GOLD, answer, "v1") == ((2, 4, 1, 2), True)
    assert ATSA.judge(GOLD, answer, "strict") == ((1, 2, 1, 2), True)
    assert ATSA.judge(GOLD, [pair("soup", "lovely")], "v2") == ((0, 1, 0, 2), True)


FOUR_WAYS = [
    pair("soup", "positive"),
    pair("soup", "positive", offsets=[[4, 8]]),
    pair("soup", "positive", offsets=["4:8"]),
    pair("soup", "positive", occurrence=1),
]


@pytest.mark.parametrize("answer", [FOUR_WAYS, FOUR_WAYS[::-1]])
def test_strict_counts_one_opinion_once_however_it_is_marked(answer: list[Entry]) -> None:
    wrong = pair("soup", "neutral")
    assert ATSA.judge(GOLD, [*answer, wrong], "strict") == ((1, 2, 1, 2), False)
    junk = [pair("soup", "positive", offsets=[[4, 8]], occurrence=[n]) for n in range(9)]
    assert ATSA.judge(GOLD, junk, "strict").stats == (1, 1, 1, 2)
    elsewhere = pair("soup", "positive", offsets=[[29, 33]])
    assert ATSA.judge(GOLD, [*answer, elsewhere], "strict").stats == (1, 2, 1, 2)


def test_words_are_not_believed_to_stand_where_they_do_not() -> None:
    item = Item("1", 0, "I like the banana.", [pair("banana", "positive", offsets=[[11, 17]])])
    for offsets in ([[11, 999]], [[10, 17]], [[2, 6]]):
        answer = [pair("banana", "positive", offsets=offsets)] * 2
        assert ATSA.judge(item, answer, "strict") == ((0, 1, 0, 1), True)
    fruit = Item("1", 0, item.text, [graph("I", "banana", "like") | {"target_offsets": [[11, 17]]}])
    dragon = graph("I", "dragon", "like") | {"target_offsets": [[11, 17]]}
    assert OPENER.judge(fruit, [dragon], "strict") == ((0, 1, 0, 1), True)
    junk = [dragon | {"target_occurrence": n} for n in range(9)]
    assert OPENER.judge(fruit, junk, "strict").stats == (0, 1, 0, 1)


@pytest.mark.parametrize("turned", [False, True])
def test_strict_counts_one_graph_opinion_once_however_it_is_marked(turned: bool) -> None:
    item = Item("1", 0, SOUP, [graph(None, "soup", "good") | {"target_offsets": [[4, 8]]}])
    bare = graph(None, "soup", "good")
    answer = [bare, bare | {"target_offsets": [[4, 8]]}, bare | {"target_occurrence": 1}]
    assert OPENER.judge(item, answer[::-1] if turned else answer, "strict").stats == (1, 1, 1, 1)
    assert OPENER.judge(item, [*answer, bare | {"target_occurrence": 2}], "strict").stats == (1, 2, 1, 1)


def test_v2_keeps_repeats_of_the_gold() -> None:
    twice = Item("1", 0, SOUP, [{"aspect_category": "food quality", "sentiment": "positive"}] * 2)
    answer = [{"aspect_category": "FOOD#QUALITY", "sentiment": "Positive"}]
    assert [ACSA.judge(twice, answer, p).stats for p in ("v1", "v2", "strict")] == [
        (1, 1, 1, 1),
        (1, 1, 2, 2),
        (1, 1, 1, 1),
    ]


def test_v1_counts_repeated_terms_of_the_gold_as_often_as_they_are_annotated() -> None:
    twice = soup(*[pair("soup", "positive", offsets=[[4, 8]])] * 2)
    assert [ATSA.judge(twice, [pair("soup", "positive")], p).stats for p in ("v1", "v2", "strict")] == [
        (1, 1, 2, 2),
        (1, 1, 2, 2),
        (1, 1, 1, 1),
    ]


def test_an_implied_term_is_written_null_in_several_ways() -> None:
    def quad(term: Any) -> Entry:
        return {"aspect_term": term, "aspect_category": "food quality", "opinion": "good", "sentiment": "positive"}

    item = Item("1", 0, SOUP, [quad(None)])
    for term in (None, "NULL", ""):
        assert ASQP.judge(item, [quad(term)], "strict") == ((1, 1, 1, 1), False)


def graph(holder: str | None, target: str | None, expression: str, polarity: str = "positive") -> Entry:
    return {
        "holder": holder,
        "target": target,
        "sentiment_expression": expression,
        "sentiment_polarity": polarity,
    }


def test_graph_credit_is_the_mean_share_of_the_scored_side() -> None:
    text = "I love the old hotel and I hate the noise ."
    item = Item("1", 0, text, [graph("I", "the old hotel", "love"), graph("I", "the noise", "hate", "negative")])
    stats = OPENER.judge(item, [graph("I", "hotel", "love")], "strict").stats
    assert stats == pytest.approx((1, 1, (1 + 1 / 3 + 1) / 3, 2))
    assert OPENER.judge(item, [graph(None, "hotel", "love")], "strict").stats == (0, 1, 0, 2)
    assert OPENER.judge(item, [graph("I", "hotel", "love", "negative")], "strict").stats == (0, 1, 0, 2)
    assert OPENER.judge(item, [graph("you", "hotel", "love")], "strict") == ((0, 1, 0, 2), True)


def test_an_answer_without_opinions_costs_under_v1_only() -> None:
    item = Item("1", 0, "It rained .", [])
    nothing = [graph("NULL", "NULL", "NULL", "NULL")]
    assert OPENER.judge(item, nothing, "v1").stats == (0, 1, 0, 0)
    assert OPENER.judge(item, [], "v1").stats == (0, 1, 0, 0)
    assert OPENER.judge(item, None, "v1") == ((0, 0, 0, 0), True)
    for protocol in ("v2", "strict"):
        assert OPENER.judge(item, nothing, protocol).stats == (0, 0, 0, 0)


VALUES = st.none() | st.text() | st.sampled_from(["soup", "NULL", " AND ", "soup AND cold", "x AND  AND y", "positive"])
PAIRS = st.lists(st.integers(0, 40) | st.floats(), min_size=2, max_size=2)
PLACES = st.none() | st.integers() | st.text() | st.lists(st.integers() | st.text() | st.lists(st.integers()) | PAIRS)


@given(st.data())
def test_no_prediction_makes_scoring_raise(data: Any) -> None:
    task = TASKS[data.draw(st.sampled_from(["atsa_rest16", "acsa_rest16", "asqp_rest16", "opener"]))]
    names = task.fields  # type: ignore[attr-defined]
    marks = [f"{name}_{kind}" for name in names for kind in ("offsets", "occurrence")]
    entry = st.fixed_dictionaries(
        dict.fromkeys(names, VALUES | st.lists(VALUES)), optional=dict.fromkeys(marks, PLACES)
    )
    gold = {"opener": [graph(None, "soup", "good")]}.get(task.name, [])
    answer = data.draw(st.lists(entry, max_size=4))
    for protocol in task.protocols:
        hits, predicted, found, total = task.judge(Item("1", 0, SOUP, gold), answer, protocol).stats
        assert 0 <= hits <= predicted and 0 <= found <= total


def test_missing_predictions_count_only_when_asked() -> None:
    with pytest.raises(ValueError, match="1 of 1 items have no prediction: '1'"):
        score(ATSA, [GOLD], {})
    result = score(ATSA, [GOLD], {}, missing_as_wrong=True)
    assert (result.score, result.missing, result.invalid) == (0, 1, 0)
    with pytest.raises(ValueError, match="unknown ids: 'nobody'"):
        score(ATSA, [GOLD], {"1": [], "nobody": []})
    with pytest.raises(ValueError, match="not under 'p1'"):
        score(ATSA, [GOLD], {"1": []}, "p1")
    with pytest.raises(ValueError, match="no items"):
        score(ATSA, [], {})

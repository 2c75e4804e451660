"""Parsers of free answers."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fsa_ray.evaluation.answers import parse_answer, read_tuples
from fsa_ray.evaluation.item import Item
from fsa_ray.evaluation.tasks import load_task

NAMES = ["sst2", "intimacy", "atsa_rest16", "acsa_rest16", "asqp_rest16", "opener", "fsa_atsa_rest14"]
SIGNS = ["[", "]", "(", ")", "{", "}", "'", '"', ",", ":", "|", ";", "\\", "\n", "```", "\\ud800"]
WORDS = ["aspect_term", "positive", "NULL", " AND ", "Label:", "Output:", '[{"aspect_term": "', "[('soup', "]
PIECES = st.sampled_from([*SIGNS, *WORDS])
TEXTS = st.text() | st.lists(PIECES | st.text(max_size=3), max_size=30).map("".join)


@given(TEXTS, st.sampled_from(NAMES))
@example("[" * 100_000, "opener")
@example("[" + "9" * 5000 + "]", "opener")
@example('[{"sentiment_expression": "\\ud800", "target": 3, "holder": ["a", "b"]}]', "opener")
def test_no_text_makes_a_parser_or_the_scorer_raise(text: str, name: str) -> None:
    task = load_task(name)
    for protocol in task.protocols:
        prediction = parse_answer(task, text, protocol)
        assert task.check(prediction) == prediction
        gold: Any = task.labels[0] if name in ("sst2", "intimacy") else []
        task.judge(Item("1", 0, "The soup.", gold), prediction, protocol)
        if "\ud800" not in text:
            json.dumps(prediction, ensure_ascii=False).encode()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (" positive", "positive"),
        ("\n\nLabel: Positive.\nSentence: bad", "positive"),
        ('{"label": "negative"}', "negative"),
        ("**negative**, as it is not positive", "negative"),
        ("It is positive", "positive"),
        ("either positive or negative", "either positive or negative"),
        ("positively", "positively"),
        ("", None),
    ],
)
def test_labels(text: str, expected: str | None) -> None:
    assert parse_answer(load_task("sst2"), text, "v1") == expected


def test_labels_that_hold_other_labels() -> None:
    assert parse_answer(load_task("irony18"), " non-irony", "v1") == "non-irony"
    assert parse_answer(load_task("intimacy"), "Not Intimate", "v1") == "not intimate"
    assert parse_answer(load_task("intimacy"), "not", "v1") == "not intimate"
    assert parse_answer(load_task("intimacy"), "not sure", "v1") == "not sure"


SOUP = {"aspect_term": "soup", "sentiment": "positive"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (" [('soup', 'positive')]", [SOUP]),
        ("[('soup', 'positive')]\n[('x', 'negative')]", [SOUP]),
        ("```python\n[(\"soup\", 'positive'),]\n```", [SOUP]),
        ("[]", []),
        ("[('soup', 'positive'), ('x'", None),
        ("I do not know", None),
        ("[('soup',)]", [{"aspect_term": "['soup']", "sentiment": "['soup']"}]),
        ("['soup']", None),
        ("('soup', 'positive')", [dict.fromkeys(SOUP, "soup"), dict.fromkeys(SOUP, "positive")]),
        ("('soup', 'positive'), ('soup', 'positive')", [SOUP, SOUP]),
        ("('soup', 'positive'", None),
    ],
)
def test_lists_of_tuples(text: str, expected: Any) -> None:
    assert parse_answer(load_task("atsa_rest16"), text, "v1") == expected


def test_a_v1_list_that_breaks_off_keeps_three_tuples() -> None:
    text = "[" + ", ".join(["('food quality', 'positive')"] * 5) + ", ('food pri"
    assert len(parse_answer(load_task("acsa_rest16"), text, "v1") or []) == 3


def test_quotes_and_escapes() -> None:
    assert read_tuples(r"""[("didn't", 'a "b"'), ('it\'s', None)]""") == ([["didn't", 'a "b"'], ["it's", None]], True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (' [{"aspect_term": "soup", "sentiment": "positive"}]', [SOUP]),
        ('Sure [as asked]: ```json\n[{"aspect_term": "soup", "sentiment": "positive"}]\n``` Done.', [SOUP]),
        ('[{"aspect_term": "soup", "sentiment": "positive"}, {"aspect_te', [SOUP]),
        ('{"aspect_term": "soup", "sentiment": "positive"}', [SOUP]),
        ('[["soup", "positive"]]', [SOUP]),
        ('[{"aspect_term": "soup"}]', [{"aspect_term": "soup", "sentiment": None}]),
        ("Output: []", []),
        ("none", None),
    ],
)
@pytest.mark.parametrize("protocol", ["v2", "strict"])
def test_json(text: str, expected: Any, protocol: Any) -> None:
    assert parse_answer(load_task("atsa_rest16"), text, protocol) == expected


def test_pieces_of_p1() -> None:
    task = load_task("fsa_atsa_rest14")
    assert parse_answer(task, "soup | positive ; odd ; a | b | c", "p1") == [SOUP]
    assert parse_answer(task, "", "p1") == []

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fsa_ray.sentiment.instructions.demonstrations import read_demonstrations
from fsa_ray.sentiment.instructions.output_format import TASK_KINDS, TaskKind
from fsa_ray.sentiment.instructions.reply import Reading, find_object
from fsa_ray.sentiment.instructions.task import TaskDefinition
from fsa_ray.sentiment.instructions.validation import Proposal, read_analysis, read_definition, read_proposals
from tests.unit.sentiment.instructions.conftest import definition

Reply = Callable[..., str]
Propose = Callable[[TaskKind], Proposal]

TASK = TaskDefinition.model_validate(
    {
        "name": "verdict",
        "kind": "closed_classification",
        "description": "Good or bad?",
        "labels": ["good", "bad"],
        "examples": [{"input": "It broke on day one.", "output": "bad"}],
    }
)
READERS: dict[str, Callable[[str], Reading[Any]]] = {
    "instructions": read_analysis,
    "tasks": read_proposals,
    "examples": lambda reply: read_demonstrations(reply, TASK, ["Some reference text of a real user."]),
    "description": lambda reply: read_definition(reply, Proposal("verdict", "scoring", "how good it is")),
}
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["\ud800", "scoring", "span"]),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(
            st.sampled_from(["name", "kind", "description", "input", "output", "examples", "labels", "fields"])
            | st.sampled_from(["minimum", "maximum", "many", "type"])
            | st.text(),
            inner,
        )
    ),
    max_leaves=20,
)


def test_instructions_are_read_from_an_object_in_prose_or_a_bare_list() -> None:
    said = ["Describe the tone: which words make it?", "How does this text sound, and why?"]
    for reply in (
        json.dumps({"instructions": said}),
        f"Sure [1]! Here {{they}} are:\n```json\n{json.dumps({'instructions': said}, indent=2)}\n```\nEnjoy.",
        json.dumps(said),
    ):
        assert read_analysis(reply).values == tuple(said)


def test_instructions_that_cannot_be_used_are_dropped_with_a_reason() -> None:
    good = "Describe what the writer of this text wants."
    entries = [
        good,
        good.upper() + "!",
        "Describe the tone.",
        5,
        "Which of the reviews is the angriest one?",
        "Analyse this. Input: the text",
        "x " * 400,
    ]
    reading = read_analysis(json.dumps({"instructions": entries}))
    assert reading.values == (good,)
    assert [part.reason for part in reading.dropped] == [
        "repeat", "length", "schema", "pair_of_texts", "frame", "length",
    ]  # fmt: skip


def test_proposals_keep_what_is_a_task_on_one_text() -> None:
    good = {"name": "Tone", "kind": "scoring", "description": "How loud the text is."}
    entries = [
        good,
        good | {"name": "TONE!"},
        good | {"name": "Poem", "kind": "poem"},
        good | {"name": "Comparison", "description": "Which of the two reviews is louder."},
        good | {"name": ""},
        "Tone",
        good | {"name": "n" * 200},
    ]
    reading = read_proposals(json.dumps({"tasks": entries}))
    assert reading.values == (Proposal("Tone", "scoring", "How loud the text is."),)
    assert [part.reason for part in reading.dropped] == [
        "repeat", "kind", "pair_of_texts", "schema", "schema", "length",
    ]  # fmt: skip


@pytest.mark.parametrize("kind", TASK_KINDS)
def test_a_definition_keeps_its_good_examples_and_the_name_that_was_proposed(
    kind: TaskKind, reply: Reply, proposal: Propose
) -> None:
    given = json.loads(reply(kind))
    wrong = {"closed_classification": "so so", "scoring": 9, "extraction": ["fish"]}.get(kind, 3)
    given["examples"] += [
        {"input": "A new text.", "output": wrong},
        {"input": "This LAPTOP gets hot, after an hour", "output": given["examples"][2]["output"]},
        {"input": "Input: again", "output": given["examples"][3]["output"]},
        {"input": "", "output": given["examples"][3]["output"]},
        {"output": given["examples"][3]["output"]},
        "nothing",
    ]
    reading = read_definition(json.dumps(given), proposal(kind))
    assert reading.reason is None
    (task,) = reading.values
    assert (task.name, task.kind, len(task.examples)) == ("verdict", kind, 8)
    contradiction = {"closed_classification": "labels", "scoring": "scale", "extraction": "span"}.get(kind, "schema")
    assert [part.reason for part in reading.dropped] == [
        contradiction, "repeat", "frame", "empty", "empty", "empty",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "changes", "reason"),
    [
        ("closed_classification", {"labels": ["good"]}, "labels"),
        ("closed_classification", {"labels": ["good", "Good"]}, "labels"),
        ("closed_classification", {"labels": None}, "labels"),
        ("closed_classification", {"labels": ["high", "low"]}, "examples"),
        ("scoring", {"minimum": 5, "maximum": 1}, "scale"),
        ("scoring", {"maximum": None}, "scale"),
        ("scoring", {"minimum": 90, "maximum": 100}, "examples"),
        ("structured", {"fields": []}, "schema"),
        ("structured", {"fields": [{"name": "x", "type": "date"}]}, "schema"),
        ("structured", {"many": False}, "examples"),
        ("extraction", {"examples": []}, "examples"),
        ("extraction", {"examples": None}, "examples"),
        ("extraction", {"description": ""}, "length"),
        ("extraction", {"description": "Copy what text 1 has and text 2 lacks."}, "pair_of_texts"),
        ("extraction", {"kind": "scoring"}, "other_task"),
        ("extraction", {"name": "Speed of delivery"}, "other_task"),
    ],
)
def test_definitions_that_cannot_be_used_have_a_reason(
    kind: TaskKind, changes: dict[str, Any], reason: str, reply: Reply, proposal: Propose
) -> None:
    reading = read_definition(reply(kind, **changes), proposal(kind))
    assert (reading.values, reading.reason) == ((), reason)


def test_examples_with_a_pair_of_texts_make_a_task_one_for_pairs(reply: Reply, proposal: Propose) -> None:
    for source in (
        "Text 1: I liked it. Text 2: I did not.",
        "Review A: fine\nReview B: bad",
        {"first": "I liked it.", "second": "I did not."},
        ["I liked it.", "I did not."],
    ):
        given = json.loads(reply("closed_classification"))
        given["examples"][5]["input"] = source
        reading = read_definition(json.dumps(given), proposal("closed_classification"))
        assert reading.reason == "pair_of_texts", source


def test_the_least_number_of_examples_can_be_chosen(reply: Reply, proposal: Propose) -> None:
    given = json.loads(reply("scoring"))
    given["examples"] = given["examples"][:3]
    assert read_definition(json.dumps(given), proposal("scoring")).reason == "examples"
    assert read_definition(json.dumps(given), proposal("scoring"), min_examples=3).reason is None


@pytest.mark.parametrize("key", list(READERS))
@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ("", "empty"),
        (" \n", "empty"),
        ("I'm sorry, but I can't help with that.", "unreadable"),
        ('{"instructions": ["Describe what the', "unreadable"),
        ('{"name": "verdict", "kind": "scoring", "description": "How good", "examples": [{"input": "a', "unreadable"),
        ("{}", "unreadable"),
        ('{"answer": 5}', "unreadable"),
        ("null", "unreadable"),
        ("[" * 100_000, "unreadable"),
        ('{"a":' * 100_000, "unreadable"),
    ],
)
def test_a_broken_teacher_gives_reasons_and_no_values(key: str, reply: str, reason: str) -> None:
    reading = READERS[key](reply)
    assert (reading.reason, reading.values) == (reason, ())


@pytest.mark.parametrize("key", ["instructions", "tasks", "examples"])
def test_a_list_of_wrong_things_leaves_none(key: str) -> None:
    for value, reason in [
        ("text", "schema"),
        (None, "schema"),
        ({"a": 1}, "schema"),
        ([], "none"),
        ([1, None], "none"),
    ]:
        reading = READERS[key](json.dumps({key: value}))
        assert (reading.reason, reading.values) == (reason, ())


def test_a_reply_at_the_token_limit_is_cut_even_if_it_can_be_read(reply: Reply, proposal: Propose) -> None:
    assert read_definition(reply("scoring"), proposal("scoring"), finish_reason="length").reason == "cut"
    assert read_analysis('["Describe this text in words."]', finish_reason="length").reason == "cut"
    assert read_proposals("[]", finish_reason="length").reason == "cut"
    assert read_demonstrations("[]", TASK, [], finish_reason="length").reason == "cut"


def test_nothing_sits_on_a_wrong_task_when_replies_are_lost_or_swapped(reply: Reply, proposal: Propose) -> None:
    """Replies one place too far, which a join by position would take."""
    names = ["waiting time", "tone of voice", "reason to return", "price paid", "smell of room"]
    proposals = [Proposal(name, kind, f"about {name}") for name, kind in zip(names, TASK_KINDS, strict=True)]
    replies = [reply(kind, name=name) for name, kind in zip(names, TASK_KINDS, strict=True)]
    shifted = [read_definition(r, p) for r, p in zip(["", *replies[:-1]], proposals, strict=True)]
    assert [reading.reason for reading in shifted] == ["empty"] + ["other_task"] * 4
    same_kind = [Proposal(name, "scoring", f"about {name}") for name in names]
    swapped = read_definition(reply("scoring", name=names[1]), same_kind[0])
    assert swapped.reason == "other_task" and not swapped.values


@pytest.mark.parametrize("key", list(READERS))
@given(text=st.text())
@example(text='{"x": "\\ud800"}')
@example(text='{"description": 1e999}')
def test_any_text_is_read(key: str, text: str) -> None:
    for reply in (text, f'{{"{key}": {text}}}', f'{{"{key}": ["{text}"]}}'):
        assert READERS[key](reply).reason is None or " " not in str(READERS[key](reply).reason)


@pytest.mark.parametrize("key", list(READERS))
@given(value=JSON, entries=st.lists(JSON, max_size=6))
def test_any_json_is_read(key: str, value: Any, entries: list[Any]) -> None:
    for reply in (value, {key: value}, {key: entries}):
        READERS[key](json.dumps(reply))


def test_half_a_character_is_left_out() -> None:
    told = json.dumps({"labels": ["\ud800good", "\ud83d\ude00", "\udc00"]})
    assert find_object(told, "labels") == {"labels": ["good", "\N{GRINNING FACE}", ""]}
    given = definition("closed_classification") | {"labels": ["\ud800", "\ud800"]}
    proposal = Proposal("verdict", "closed_classification", "What it is.")
    assert read_definition(json.dumps(given), proposal, min_examples=1).reason == "labels"


@pytest.mark.parametrize("kind", TASK_KINDS)
@given(data=st.data())
def test_a_definition_with_any_part_replaced_is_read(kind: TaskKind, data: st.DataObject) -> None:
    given = definition(kind)
    for _ in range(data.draw(st.integers(1, 3))):
        key = data.draw(st.sampled_from(sorted(given)))
        if key == "examples" and isinstance(given[key], list) and given[key]:
            at = data.draw(st.integers(0, len(given[key]) - 1))
            given[key][at] = data.draw(st.fixed_dictionaries({"input": st.text() | JSON, "output": JSON}))
        elif key not in ("kind", "name"):
            given[key] = data.draw(JSON)
    reading = read_definition(json.dumps(given), Proposal("verdict", kind, "What it is."), min_examples=1)
    assert len(reading.values) == (reading.reason is None)


@pytest.mark.parametrize(
    "unit", ["a", " ", "{", "[", '"', "\\n", "text 1 ", "between the ", '{"a":1} ', "compare the "]
)
def test_a_long_answer_is_read_in_seconds(unit: str) -> None:
    text = unit * (200_000 // len(unit))
    started = time.process_time()
    example = {"input": text, "output": text}
    for key, read in READERS.items():
        read(text)
        read(json.dumps({key: [text] * 8}))
        read(json.dumps({"name": text, "kind": "scoring", "description": text, key: [example] * 8}))
    given = {"name": "verdict", "kind": "scoring", "description": "How good", "minimum": 1, "maximum": 5}
    READERS["description"](json.dumps(given | {"examples": [example] * 8}))
    assert time.process_time() - started < 4

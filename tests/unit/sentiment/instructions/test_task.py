import json
from collections.abc import Callable
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from fsa_ray.sentiment.answers import Dropped
from fsa_ray.sentiment.instructions.output_format import FIELD_TYPES, TASK_KINDS, Field, OutputFormat, TaskKind
from fsa_ray.sentiment.instructions.outputs import output_value, read_text, read_value
from fsa_ray.sentiment.instructions.task import Demonstration, TaskDefinition, render_frame

Make = Callable[[TaskKind], TaskDefinition]

FORMS = [
    OutputFormat(kind="closed_classification", labels=("Very good", "bad", "n.a.")),
    OutputFormat(kind="open_classification"),
    OutputFormat(kind="scoring", minimum=-2, maximum=2),
    OutputFormat(kind="scoring", minimum=0, maximum=1, decimals=True),
    OutputFormat(kind="extraction"),
    OutputFormat(kind="structured", fields=tuple(Field(name=f"a_{kind}", type=kind) for kind in FIELD_TYPES)),
    OutputFormat(kind="structured", many=True, fields=(Field(name="x", type="string", labels=("on", "off")),)),
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["a_span", "x", "field"]), inner),
    max_leaves=12,
)


@pytest.mark.parametrize("kind", TASK_KINDS)
def test_the_user_turn_is_the_task_its_format_demonstrations_and_the_text(kind: TaskKind, task: Make) -> None:
    made = task(kind)
    text = "Fine {{ text }}\n\nOutput: <b>good</b>"
    turn = made.render(text, made.examples[:2])
    assert turn.startswith(f"Say what the writer thinks.\n{made.explain()}\n\nInput: The soup was cold")
    assert turn.count("\nInput: ") == 3
    assert turn.endswith(f"Output: {made.examples[1].output}\n\nInput: {text}\nOutput:")
    assert render_frame("Describe this.", "Hi") == "Describe this.\n\nInput: Hi\nOutput:"


def test_outputs_are_bare_words_or_json_on_one_line(task: Make) -> None:
    shown = {kind: task(kind).examples[0].output for kind in TASK_KINDS}
    assert shown == {
        "closed_classification": "bad",
        "open_classification": "annoyance",
        "scoring": "1",
        "extraction": '["cold", "shrugged"]',
        "structured": '[{"thing": "soup", "verdict": "bad"}, {"thing": "waiter", "verdict": "bad"}]',
    }


@pytest.mark.parametrize("kind", TASK_KINDS)
def test_the_schema_takes_the_outputs_of_the_task(kind: TaskKind, task: Make) -> None:
    made = task(kind)
    schema = made.answer_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    for shown in made.examples:
        jsonschema.validate(output_value(made, shown.output), schema)
        assert json.loads(made.as_json(shown)) == {"input": shown.input, "output": output_value(made, shown.output)}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"another": 1}, schema)


@pytest.mark.parametrize("kind", TASK_KINDS)
def test_a_task_survives_storage(kind: TaskKind, task: Make) -> None:
    made = task(kind)
    assert TaskDefinition.model_validate_json(made.model_dump_json()) == made


@pytest.mark.parametrize(
    ("form", "said", "text"),
    [
        (FORMS[0], " very GOOD.\n", "Very good"),
        (FORMS[0], '"bad"', "bad"),
        (FORMS[0], "N.A.", "n.a."),
        (FORMS[1], '"mild surprise"', "mild surprise"),
        (FORMS[2], "2.0", "2"),
        (FORMS[3], "0.25", "0.25"),
        (FORMS[4], '["the  SOUP", "the soup"]', '["The soup"]'),
        (FORMS[6], '[{"x": "ON"}]', '[{"x": "on"}]'),
        (FORMS[6], '[[{"field": "x", "value": "off"}]]', '[{"x": "off"}]'),
    ],
)
def test_outputs_get_their_canonical_form(form: OutputFormat, said: str, text: str) -> None:
    assert read_text(form, said, "The soup was cold") == text


@pytest.mark.parametrize(
    ("form", "value", "reason"),
    [
        (FORMS[0], "fine", "labels"),
        (FORMS[0], ["bad"], "labels"),
        (FORMS[1], "far more words than a label has", "schema"),
        (FORMS[1], " . ", "schema"),
        (FORMS[2], 3, "scale"),
        (FORMS[2], 0.5, "scale"),
        (FORMS[2], True, "scale"),
        (FORMS[2], "1", "scale"),
        (FORMS[3], float("nan"), "scale"),
        (FORMS[4], ["the soup", "the fish"], "span"),
        (FORMS[4], ["so"], "span"),
        (FORMS[4], "the soup", "schema"),
        (FORMS[4], [""], "schema"),
        (FORMS[4], ["the soup"] * 17, "schema"),
        (FORMS[5], {}, "schema"),
        (FORMS[6], {"x": "on"}, "schema"),
        (FORMS[6], [{"x": "on", "y": 1}], "schema"),
        (FORMS[6], [{"x": "on"}, {"x": "on"}], "schema"),
        (FORMS[6], [{"x": "open"}], "labels"),
    ],
)
def test_outputs_that_contradict_the_task_have_a_reason(form: OutputFormat, value: Any, reason: str) -> None:
    read = read_value(form, value, "The soup was cold")
    assert isinstance(read, Dropped) and read.reason == reason


def test_every_type_of_field_is_checked() -> None:
    good = {
        "a_string": "x",
        "a_number": 1.5,
        "a_boolean": True,
        "a_strings": ["p", "p"],
        "a_span": None,
        "a_spans": ["Soup"],
    }
    read = read_value(FORMS[5], good, "soup")
    assert isinstance(read, str) and json.loads(read) == good | {"a_strings": ["p"], "a_spans": ["soup"]}
    for name, wrong in [
        ("a_string", ""), ("a_string", 1), ("a_number", True), ("a_number", 1e300), ("a_boolean", "yes"),
        ("a_strings", "p"), ("a_span", "fish"), ("a_span", 1), ("a_spans", None),
    ]:  # fmt: skip
        assert isinstance(read_value(FORMS[5], good | {name: wrong}, "soup"), Dropped), name


@pytest.mark.parametrize("form", FORMS)
@given(value=JSON, source=st.text())
def test_any_value_is_read_or_refused_and_what_is_read_stays(form: OutputFormat, value: Any, source: str) -> None:
    read = read_value(form, value, source)
    if isinstance(read, str):
        assert read_text(form, read, source) == read


@pytest.mark.parametrize("form", FORMS)
@given(text=st.text(), source=st.text())
def test_any_text_is_read_or_refused_and_what_is_read_stays(form: OutputFormat, text: str, source: str) -> None:
    for said in (text, json.dumps([text]), json.dumps(text), json.dumps(source[:20])):
        read = read_text(form, said, source)
        if isinstance(read, str):
            assert read_text(form, read, source) == read


@given(st.text(), st.integers(0, 40), st.integers(0, 40))
def test_a_passage_of_the_input_that_is_found_is_found_again(source: str, start: int, length: int) -> None:
    read = read_value(FORMS[4], [source[start : start + length]], source)
    if isinstance(read, str):
        assert read_text(FORMS[4], read, source) == read


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"kind": "closed_classification"}, "needs labels"),
        ({"kind": "closed_classification", "labels": ["a"]}, "2 to 24"),
        ({"kind": "closed_classification", "labels": ["a", "A"]}, "not distinct"),
        ({"kind": "closed_classification", "labels": ["a", " b"]}, "one line"),
        ({"kind": "open_classification", "labels": ["a", "b"]}, "has no labels"),
        ({"kind": "scoring", "minimum": 1}, "needs minimum and maximum"),
        ({"kind": "extraction", "minimum": 1}, "has no scale"),
        ({"kind": "scoring", "minimum": 5, "maximum": 1}, "no scale"),
        ({"kind": "scoring", "minimum": 0.2, "maximum": 0.8}, "set decimals"),
        ({"kind": "scoring", "minimum": 0.5, "maximum": 3}, "set decimals"),
        ({"kind": "extraction", "many": True}, "leave out many"),
        ({"kind": "structured"}, "needs fields"),
        ({"kind": "structured", "fields": []}, "1 to 8"),
        ({"kind": "structured", "fields": [{"name": "a b", "type": "span"}]}, "letters, digits"),
        ({"kind": "structured", "fields": [{"name": "a", "type": "span"}] * 2}, "not distinct"),
        ({"kind": "structured", "fields": [{"name": "a", "type": "span", "labels": ["a", "b"]}]}, "only a string"),
        ({"kind": "poem"}, "closed_classification"),
    ],
)
def test_formats_that_make_no_sense_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        OutputFormat.model_validate(wrong)


def test_a_task_whose_examples_contradict_it_cannot_be_made(task: Make) -> None:
    good = task("closed_classification").model_dump()
    for shown, message in [
        ({"input": "Meh", "output": "so so"}, "contradicts"),
        ({"input": "Meh", "output": "BAD"}, "to be written bad"),
        (good["examples"][0], "more than one"),
    ]:
        with pytest.raises(ValidationError, match=message):
            TaskDefinition.model_validate(good | {"examples": [*good["examples"], shown]})
    assert Demonstration(input="a", output=["b"]).output == '["b"]'

import json
import os
import time
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fsa_ray.sentiment.attributes import Attribute, normalise, parse_attributes

TONE = Attribute("tone", "The overall tone.", "Critical/Disapproving")
URGENCY = Attribute("urgency", "How soon it must be.", "High (\"now\")")  # fmt: skip
BOTH = [TONE, URGENCY]

INLINE = """Here are some attributes:

1. **Tone**: Attribute Description - The overall tone. Attribute Value - Critical/Disapproving
2. **Attribute: Urgency**: Attribute Description - How soon it must be. Attribute Value - High ("now")"""
TWO_LINES = """1. **Tone**: Attribute Description - The overall tone.
Attribute Value - Critical/Disapproving

2. **Urgency**: Attribute Description - How soon it must be.
Attribute Value - High ("now")"""
IN_HEADING = """1. **Tone: Critical/Disapproving**
Attribute Description: The overall tone.

2. **Urgency: great**
Attribute Description: How soon it must be.
Attribute Value: High ("now")"""
MARKED = """**1. Tone**
   * **Attribute Description:** The overall tone.
   * **Attribute Value:** Critical/Disapproving

**2. Urgency:**
   - **Attribute description**: How soon it must be. | **Attribute value**:
   - High ("now")"""
REMARK = "These attributes, each with its attribute value, capture the sentiment of the text - and more."


def as_json(attributes: list[Attribute]) -> str:
    return json.dumps({"attributes": [vars(attribute) for attribute in attributes]})


words = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=50)
words = words.map(lambda text: " ".join(text.split()))
plain = words.map(lambda text: text.strip(" :").lower()).filter(lambda name: name and not name.startswith("attribute"))
mentions = st.builds(Attribute, plain.filter(lambda name: name == name.lower()), words.filter(bool), words.filter(bool))


@pytest.mark.parametrize("remark", ["", f"\n\n{REMARK}", f"\n{REMARK}"])
@pytest.mark.parametrize("layout", [INLINE, TWO_LINES, MARKED])
def test_every_layout_is_read_without_the_closing_remark(layout: str, remark: str) -> None:
    assert parse_attributes(layout + remark) == BOTH
    assert parse_attributes((layout + remark).replace("\n", "\r\n")) == BOTH


@pytest.mark.parametrize("remark", ["", f"\n\n{REMARK}", f"\n{REMARK}"])
def test_a_value_in_the_heading_gives_way_to_one_that_is_named(remark: str) -> None:
    tone, urgency = parse_attributes(IN_HEADING + remark)
    assert (tone.description, tone.value) == (TONE.description, TONE.value)
    assert (urgency.name, urgency.value) == ("urgency: great", URGENCY.value)
    assert normalise(tone.name) + normalise(urgency.name) == ("tone", "urgency")


@pytest.mark.parametrize("layout", [INLINE, TWO_LINES])
def test_of_a_cut_list_whole_attributes_stay(layout: str) -> None:
    second_value = layout.index("Attribute Value", layout.index("Urgency"))
    for end in range(layout.index(TONE.value), second_value):
        for attribute in parse_attributes(layout[:end]):
            assert (attribute.name, attribute.description) == (TONE.name, TONE.description)
            assert TONE.value.startswith(attribute.value)
    assert parse_attributes(layout[:second_value]) == [TONE]
    assert parse_attributes("1. **Attribute: Tone**\nAttribute Description: The over") == []


@pytest.mark.parametrize(
    "frame", ["%s", "```json\n%s\n```", 'As {"attributes": []} asks: {"attributes": ["x"]}\n%s Done.']
)
def test_json_is_found_wherever_it_stands(frame: str) -> None:
    assert parse_attributes(frame % as_json(BOTH)) == BOTH


@given(st.lists(mentions, min_size=1, max_size=4), st.data())
def test_of_cut_json_whole_entries_stay(said: list[Attribute], data: st.DataObject) -> None:
    answer = as_json(said)
    assert parse_attributes(answer) == said
    cut = data.draw(st.integers(0, len(answer)))
    ends = [len(as_json(said[:count])) - 2 for count in range(1, len(said) + 1)]
    assert parse_attributes(answer[:cut]) == said[: sum(end <= cut for end in ends)]


def test_entries_of_the_wrong_type_or_without_a_part_are_left_out() -> None:
    whole = vars(TONE) | {"name": "Attribute 1: Tone "}
    bad = [None, 3, [], {}, vars(TONE) | {"value": 4}, vars(TONE) | {"value": " "}, vars(TONE) | {"name": "x" * 5000}]
    assert parse_attributes(json.dumps({"attributes": [*bad, whole]})) == [TONE]


@given(
    st.text()
    | st.lists(
        st.sampled_from(
            [
                "1. ",
                "**",
                "\n",
                "Attribute Description",
                "Attribute Value",
                " - ",
                ":",
                '{"attributes": [',
                "{",
                "}",
                ",",
                '"x"',
            ]
        )
    ).map("".join)
)
@example('{"attributes":' + "[" * 100_000)
@example('{"attributes":[{"name":' * 50_000)
@example('{"attributes": [' + "1" * 10_000 + "]}")
@example('{"attributes": [{"name": "\\ud800", "description": "\\ud800a", "value": "b"}]}')
def test_any_text_is_read_without_an_error(text: str) -> None:
    for attribute in parse_attributes(text):
        assert attribute.name and attribute.name == attribute.name.lower()
        "".join(vars(attribute).values()).encode()
        assert "\n" not in attribute.description + attribute.value


@pytest.mark.parametrize(
    "unit",
    [
        "1. **a**", "1. ", " ", "*", '{"attributes":[', '"attributes":[{"x":', "attribute value", "attribute value -\n",
        "1. **a**: Attribute Description - b Attribute Value - c\n",
    ],
)  # fmt: skip
def test_a_megabyte_is_read_in_seconds(unit: str) -> None:
    started = time.process_time()
    parse_attributes(unit * (1_000_000 // len(unit)))
    assert time.process_time() - started < 10


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("tone", ("tone",)),
        ("  Tone \t of\nvoice ", ("tone of voice",)),
        ("tone: critical/harsh", ("tone",)),
        ("tone/ mood /tone//", ("tone", "mood")),
        ("use of slang", ("slang",)),
        ("use of slang / use of  emojis: many", ("slang", "emojis")),
        ("frequent use of the use of irony", ("irony",)),
        ("misuse of power", ("misuse of power",)),
        ("use of", ()),
        (": high", ()),
        (" / ", ()),
        ("", ()),
    ],
)
def test_every_rule_is_applied(name: str, meant: tuple[str, ...]) -> None:
    assert normalise(name) == meant


@given(
    st.text(st.sampled_from("ab:/ \t") | st.characters())
    | st.lists(st.sampled_from(["use of ", "a", "/", ":", " "])).map("".join)
)
def test_normal_names_stay_as_they_are(name: str) -> None:
    for part in normalise(name):
        assert normalise(part) == (part,)


def test_answers_of_a_real_teacher() -> None:
    root = os.environ.get("FSA_RAY_DATA")
    if not root:
        pytest.skip("FSA_RAY_DATA does not name a data directory")
    lines = (Path(root) / "fixtures" / "attribute_answers.jsonl").read_text("utf-8-sig").splitlines()
    read = [parse_attributes(json.loads(line)["facet_analysis"]) for line in lines]
    assert [len(attributes) for attributes in read] == [12, 4, 3]
    assert not [a for attributes in read for a in attributes if "These attributes" in a.value or "\n" in a.value]
    assert [(a[-1].name, a[-1].value) for a in read[:2]] == [
        ("certainty", "High"),
        ("politeness", 'Moderate (use of "Please" and "Thx", but also a sense of expectation)'),
    ]
    assert read[2][0].value == "Contrarian (the author is going against the prevailing opinion)"
    assert [normalise(a.name) for a in read[2]] == [("tone",), ("emotional connection",), ("national pride",)]

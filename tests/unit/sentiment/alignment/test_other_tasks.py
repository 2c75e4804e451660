import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsa_ray.sentiment.alignment.other_prompt import render_other
from fsa_ray.sentiment.alignment.other_tasks import OtherRecord, Shown, read_other_tasks

GOOD: dict[str, Any] = {"task": "sums", "instruction": "Add the numbers.", "input": "1 2"}
SOLVED = GOOD | {"output": "3", "examples": [{"input": "0 0", "output": "0"}], "source": "me"}
NATURAL: dict[str, Any] = {
    "Contributors": ["somebody"],
    "Definition": ["Add the numbers.", "Give the sum alone."],
    "Positive Examples": [{"input": "0 0", "output": "0", "explanation": "Nothing and nothing."}],
    "Negative Examples": [],
    "Instances": [
        {"id": "a", "input": "1 2", "output": ["3", "three"]},
        {"id": "b", "input": " ", "output": ["3"]},
        {"id": "c", "input": "4 4\n", "output": []},
    ],
}
FIRST = OtherRecord(1, "sums", "Add the numbers.", "1 2")
SECOND = OtherRecord(2, "sums", "Add the numbers.", "1 2", "3", (Shown("0 0", "0"),))


@pytest.mark.parametrize(
    "text",
    [
        f"{json.dumps(GOOD)}\r\n{json.dumps(SOLVED)}\n\n",
        "\ufeff" + json.dumps([GOOD, SOLVED], indent=2),
        f"  [{json.dumps(GOOD)}, {json.dumps(SOLVED)}]",
    ],
)
def test_lines_and_lists_hold_the_same_records(text: str) -> None:
    found = read_other_tasks("file", text.encode())
    assert found.records == (FIRST, SECOND)
    assert found.rejects == ()


@pytest.mark.parametrize("indent", [None, 4])
def test_a_file_of_natural_instructions_is_one_task(indent: int | None) -> None:
    found = read_other_tasks("task001_sums", json.dumps(NATURAL, indent=indent).encode())
    asked, shown = "Add the numbers. Give the sum alone.", (Shown("0 0", "0"),)
    assert found.records == (
        OtherRecord(1, "task001_sums", asked, "1 2", "3", shown),
        OtherRecord(3, "task001_sums", asked, "4 4", None, shown),
    )
    assert [(reject.line, reject.reason) for reject in found.rejects] == [(2, "missing")]
    assert read_other_tasks("x", json.dumps({"Definition": "Add."} | {"Instances": []}).encode()).records == ()


def test_one_object_over_many_lines_is_a_record() -> None:
    assert read_other_tasks("file", json.dumps(GOOD, indent=2).encode()).records == (FIRST,)


@pytest.mark.parametrize(
    ("value", "reason", "problem"),
    [
        (GOOD | {"task": ""}, "missing", "no task"),
        (GOOD | {"instruction": " "}, "missing", "no instruction"),
        ({"task": "a", "instruction": "b"}, "missing", "no input"),
        (GOOD | {"input": 3}, "type", "input is a int, not text"),
        (GOOD | {"output": ["3"]}, "type", "output is a list, not text"),
        (GOOD | {"output": ""}, "missing", "no output"),
        (GOOD | {"examples": {"input": "a", "output": "b"}}, "type", "examples is a dict, not a list"),
        (GOOD | {"examples": [{"input": "a"}]}, "missing", "no output"),
        (GOOD | {"examples": ["a"]}, "type", "a JSON str where an object should be"),
        (GOOD | {"input": "\ud800"}, "encoding", "half a surrogate pair in input"),
        ("text", "type", "a JSON str where an object should be"),
    ],
)
def test_a_refused_line_says_where_and_why(value: Any, reason: str, problem: str) -> None:
    text = f"{json.dumps(GOOD)}\n\n{json.dumps(value)}\n{json.dumps(GOOD)}"
    found = read_other_tasks("file", text.encode())
    assert [record.line for record in found.records] == [1, 4]
    assert [(reject.line, reject.reason, reject.problem) for reject in found.rejects] == [(3, reason, problem)]


@pytest.mark.parametrize(
    ("data", "line", "reason"),
    [
        (b'{"task": \xff}', 0, "encoding"),
        (b'[{"task": "a"}, {', 0, "broken"),
        (b'{\n  "Definition": ["a"],\n', 0, "broken"),
        (b'{"task": \n', 1, "broken"),
        (b"[" * 100_000, 0, "broken"),
        (b"[" * 900 + b"]" * 900, 1, "type"),
        (b'{"Definition": [], "Instances": []}', 0, "missing"),
        (b'{"Definition": [3], "Instances": []}', 0, "type"),
        (b'{"Definition": ["a"], "Instances": {}}', 0, "missing"),
        (b'{"Definition": ["a"], "Positive Examples": [1], "Instances": []}', 0, "type"),
    ],
)
def test_a_broken_file_is_refused_as_a_whole_or_by_line(data: bytes, line: int, reason: str) -> None:
    found = read_other_tasks("file", data)
    assert found.records == ()
    assert [(reject.line, reject.reason) for reject in found.rejects] == [(line, reason)]


def test_an_empty_file_holds_nothing() -> None:
    found = read_other_tasks("file", b"\n \n")
    assert (found.records, found.rejects) == ((), ())


KEYS = ["task", "instruction", "input", "output", "examples", "Definition", "Positive Examples", "Instances"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner),
    max_leaves=20,
)


@given(st.one_of(st.binary(), st.text().map(str.encode), JSON.map(lambda value: json.dumps(value).encode())))
def test_no_bytes_make_reading_raise(data: bytes) -> None:
    for record in read_other_tasks("file", data).records:
        assert render_other(record, 2).endswith(":")

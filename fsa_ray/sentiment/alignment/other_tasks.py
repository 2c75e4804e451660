"""Records of other tasks than sentiment, from a user's file.

Three layouts: JSON lines or a JSON list of {"task", "instruction", "input", "output"?, "examples"?: [{"input",
"output"}]}, or one JSON object with "Definition", "Positive Examples" and "Instances", as Super-NaturalInstructions has
it. Further keys do not count.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

from fsa_ray.sentiment.files.batch import SHOWN, Reject, shown


@dataclass(frozen=True)
class Shown:
    """A solved case of another task."""

    input: str
    output: str


@dataclass(frozen=True)
class OtherRecord:
    """One query of another task, and where it stands in its file: see `read_other_tasks`."""

    line: int
    task: str
    instruction: str
    input: str
    output: str | None = None
    examples: tuple[Shown, ...] = ()


@dataclass(frozen=True)
class OtherTasks:
    """What a file holds, and what of it was refused, each in the order of the file."""

    records: tuple[OtherRecord, ...] = ()
    rejects: tuple[Reject, ...] = ()


@dataclass(frozen=True)
class _Broken:
    problem: str


class _Refused(Exception):
    """Inside this file only: a record cannot be used."""


def read_other_tasks(name: str, data: bytes) -> OtherTasks:
    """The records of a file; `name` is the task of a file in the layout of Super-NaturalInstructions.

    `line` counts lines of JSON lines, items of a list and instances of an object, from 1; 0 is the file as a whole.
    Reasons: encoding, broken (no JSON), type, missing (no instruction, input, output of an example, or a blank one).
    Never raises, whatever the bytes.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return OtherTasks(rejects=(Reject(0, "encoding", f"not UTF-8 at byte {error.start + 1}", shown(data)),))
    whole = _json(text)
    if isinstance(whole, dict) and "Definition" in whole:
        return _natural(name, whole)
    if isinstance(whole, dict | list):
        return _collect(enumerate(whole if isinstance(whole, list) else [whole], start=1), _own)
    if isinstance(whole, _Broken) and (text.lstrip()[:1] == "[" or text.lstrip().split("\n", 1)[0].strip() == "{"):
        return OtherTasks(rejects=(Reject(0, "broken", whole.problem, text[:SHOWN]),))
    lines = ((number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip())
    return _collect(((number, _json(line)) for number, line in lines), _own)


def _natural(name: str, whole: dict[str, Any]) -> OtherTasks:
    """The instances of a task file of Super-NaturalInstructions; the first of several outputs counts."""
    try:
        definition, instances = whole["Definition"], whole.get("Instances")
        parts = definition if isinstance(definition, list) else [definition]
        instruction = " ".join(_text({"Definition": part}, "Definition") for part in parts)
        if not instruction or not isinstance(instances, list):
            raise _Refused("missing", "no Definition" if not instruction else "no list of Instances")
        examples = _examples(whole, "Positive Examples")
    except _Refused as refused:
        return OtherTasks(rejects=(_reject(0, refused, whole),))
    return _collect(enumerate(instances, start=1), partial(_instance, name, instruction, examples))


def _instance(name: str, instruction: str, examples: tuple[Shown, ...], line: int, value: Any) -> OtherRecord:
    given = value.get("output") if isinstance(value, dict) else None
    if isinstance(given, list):
        value = {**value, "output": given[0] if given else None}
    source, output = _text(value, "input"), _optional(value, "output")
    return OtherRecord(line, name, instruction, source, output, examples)


def _own(line: int, value: Any) -> OtherRecord:
    task, instruction, source = (_text(value, key) for key in ("task", "instruction", "input"))
    return OtherRecord(line, task, instruction, source, _optional(value, "output"), _examples(value, "examples"))


def _collect(values: Iterable[tuple[int, Any]], record: Callable[[int, Any], OtherRecord]) -> OtherTasks:
    records: list[OtherRecord] = []
    rejects: list[Reject] = []
    for line, value in values:
        try:
            if isinstance(value, _Broken):
                raise _Refused("broken", value.problem)
            records.append(record(line, value))
        except _Refused as refused:
            rejects.append(_reject(line, refused, value))
    return OtherTasks(tuple(records), tuple(rejects))


def _examples(value: dict[str, Any], key: str) -> tuple[Shown, ...]:
    given = value.get(key)
    if given is not None and not isinstance(given, list):
        raise _Refused("type", f"{key} is a {type(given).__name__}, not a list")
    return tuple(Shown(_text(entry, "input"), _text(entry, "output")) for entry in given or ())


def _optional(value: dict[str, Any], key: str) -> str | None:
    return None if value.get(key) is None else _text(value, key)


def _text(value: Any, key: str) -> str:
    """The text under `key`, without white space around it."""
    if not isinstance(value, dict):
        raise _Refused("type", f"a JSON {type(value).__name__} where an object should be")
    found = value.get(key)
    if found is not None and not isinstance(found, str):
        raise _Refused("type", f"{key} is a {type(found).__name__}, not text")
    if not found or not found.strip():
        raise _Refused("missing", f"no {key}")
    try:
        found.encode()
    except UnicodeEncodeError:
        raise _Refused("encoding", f"half a surrogate pair in {key}") from None
    return found.strip()


def _reject(line: int, refused: _Refused, value: Any) -> Reject:
    reason, problem = refused.args
    try:
        text = "" if isinstance(value, _Broken) else ascii(value)
    except RecursionError:
        text = "brackets thousands deep"
    return Reject(line, reason, problem, text[:SHOWN])


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        return _Broken(f"not valid JSON at line {error.lineno}, character {error.colno}: {error.msg}")
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, brackets thousands deep
        return _Broken(f"not readable JSON: {error}")

"""Reading a model's free answer. Never raises, never evaluates: text in, prediction out.

The text is the continuation only, without the prompt. What cannot be read gives None, which scoring counts as invalid
and as nothing predicted.
"""

import json
import re
from typing import Any

from fsa_ray.evaluation.classification import ClassificationTask
from fsa_ray.evaluation.extraction import EntryTask
from fsa_ray.evaluation.graph import GraphTask
from fsa_ray.evaluation.item import Entry, Prediction
from fsa_ray.evaluation.spans import normal
from fsa_ray.evaluation.task import Protocol, Task

MAX_REPAIRED = 3  # entries kept of a v1 answer that had to be closed
_MARKER = re.compile(r"\s*(?:label|output|answer)\s*:", re.IGNORECASE)
_TOKEN = re.compile(r"""\s*(?:([\[\](),])|'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|(NULL|None|null)\b)""", re.DOTALL)
_ARRAY = re.compile(r"\[\s*[{\]]")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


def parse_answer(task: Task, text: str, protocol: Protocol) -> Prediction:
    """The prediction in a free answer.

    - A label: the one that the first line starts with, else the only one that it names, else that line.
    - v1: the first line as a list of tuples; if it breaks off, the whole tuples before that, at most three (not for
      aspect terms, where the official parser does not repair). As in Python, tuples need no brackets around them, and
      one alone is a list of texts, each of a wrong form.
    - v2 and strict: the first JSON array; if it breaks off, the whole objects before that.
    - p1: `a | b ; c | d`; pieces of another form are dropped.

    Elements of a wrong form stay in as illegal entries.
    """
    if isinstance(task, ClassificationTask):
        return _label(task, text)
    assert isinstance(task, EntryTask)
    if protocol == "p1":
        return _pieces(task, text)
    body = _unfenced(_MARKER.sub("", text, count=1) if _MARKER.match(text) else text)
    rows = _tuple_rows(task, body) if protocol == "v1" else _json_rows(body)
    if rows is None:
        return None
    return [_entry(task, row) for row in rows]


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


def _label(task: ClassificationTask, text: str) -> str | None:
    line = _first_line(_MARKER.sub("", text, count=1) if _MARKER.match(text) else text)
    bare = line.strip(" \t\"'`*.,:;!()[]{}")
    if (label := task.label_of(bare)) is not None:
        return label
    words = sorted(task.labels, key=len, reverse=True)
    pattern = re.compile("(?<![\\w-])(" + "|".join(map(re.escape, words)) + ")(?![\\w-])", re.IGNORECASE)
    if (start := pattern.match(bare)) is not None:
        return task.label_of(start.group())
    named = {task.label_of(match.group()) for match in pattern.finditer(line)}
    return named.pop() if len(named) == 1 else line[:200] or None


def _unfenced(text: str) -> str:
    return "\n".join(line for line in text.strip().splitlines() if not line.strip().startswith("```"))


def _tuple_rows(task: EntryTask, body: str) -> list[Any] | None:
    line = _first_line(body)
    if line.startswith("("):
        rows, whole = read_tuples(f"[{line}]")
        if not whole:
            return None
        return rows[0] if len(rows) == 1 else rows
    rows, whole = read_tuples(line)
    if whole:
        return rows
    repairs = isinstance(task, GraphTask) or bool(task.labels)
    return rows[:MAX_REPAIRED] if repairs and rows else None


def read_tuples(line: str) -> tuple[list[list[str | None]], bool]:
    """The tuples of quoted texts at the start of a line like [('a', 'b'), ...], and whether the list was whole."""
    rows: list[list[str | None]] = []
    row: list[str | None] | None = None
    position, opened = 0, False
    while (token := _TOKEN.match(line, position)) is not None:
        position = token.end()
        sign, single, double, _ = token.groups()
        if sign is None:
            if row is None:
                return rows, False
            quoted = single if single is not None else double
            row.append(None if quoted is None else _ESCAPE.sub(r"\1", quoted))
        elif sign == "[" and not opened:
            opened = True
        elif sign in "([" and opened and row is None:
            row = []
        elif sign in ")]" and row is not None:
            rows.append(row)
            row = None
        elif sign == "]" and opened:
            return rows, True
        elif sign != ",":
            return rows, False
    return rows, False


def _json_rows(body: str) -> list[Any] | None:
    found_start = _ARRAY.search(body)
    start = found_start.start() if found_start else max(body.find("["), body.find("{"))
    if start < 0:
        return None
    found = _decoded(body[start:])
    if found is None and "}" in body[start:]:
        found = _decoded(body[start : body.rindex("}") + 1] + "]")
    if isinstance(found, dict):
        return [found]
    return found if isinstance(found, list) else None


def _decoded(text: str) -> Any:
    try:
        return json.JSONDecoder().raw_decode(text)[0]
    except (ValueError, RecursionError):
        return None


def _entry(task: EntryTask, row: Any) -> Entry:
    """A row as an entry with all fields. One that is no such thing keeps its text in every field: surely illegal."""
    if isinstance(row, list) and len(row) == len(task.fields):
        row = dict(zip(task.fields, row, strict=True))
    if not isinstance(row, dict):
        return dict.fromkeys(task.fields, str(row)[:200] or "?")
    entry: Entry = {}
    for name in task.fields:
        value = row.get(name)
        text = normal(value) if value is None or isinstance(value, str | list) else str(value)
        entry[name] = text and text.encode("utf-8", "replace").decode()  # JSON can hold halves of characters
        for mark in (f"{name}_offsets", f"{name}_occurrence"):
            if row.get(mark) is not None:
                entry[mark] = row[mark]
    return entry


def _pieces(task: EntryTask, text: str) -> list[Entry]:
    rows = [[value.strip() for value in piece.split("|")] for piece in text.split(";")]
    return [dict(zip(task.fields, row, strict=True)) for row in rows if len(row) == len(task.fields)]

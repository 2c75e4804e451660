"""Lists of tuples as models write them: strings in either kind of quotes, bare words, None. Read in linear time."""

import json
import re
from collections.abc import Iterator

_TOKEN = re.compile(r"""\s*(?:([\[\](),])|"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([^\s\[\](),"']+))""", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_NONE = {"none", "null"}

Value = str | None
Token = tuple[str, Value]


def read_tuples(text: str, most: int) -> list[tuple[Value, ...]] | None:
    """The tuples of the first list in a text, at most `most` + 1 of them; None if there is no list, or it is broken.

    None and null without quotes are None; other bare words and numbers are strings. Never raises.
    """
    start = text.find("[")
    tokens = _tokens(text, start + 1) if start >= 0 else iter(())
    rows: list[tuple[Value, ...]] = []
    for kind, _ in tokens:
        if kind == "]" or len(rows) > most:
            return rows
        if kind == "," and rows:
            continue
        row = _row(tokens) if kind == "(" else None
        if row is None:
            return None
        rows.append(row)
    return None


def _row(tokens: Iterator[Token]) -> tuple[Value, ...] | None:
    """The values up to the closing bracket."""
    values: list[Value] = []
    due = True
    for kind, value in tokens:
        if kind == ")":
            return tuple(values)
        if due == (kind == ",") or kind not in (",", "value"):
            return None
        due = kind == ","
        if kind == "value":
            values.append(value)
    return None


def _tokens(text: str, position: int) -> Iterator[Token]:
    while (found := _TOKEN.match(text, position)) is not None:
        position = found.end()
        mark, double, single, bare = found.groups()
        if mark is not None:
            yield mark, None
        elif bare is not None:
            yield "value", None if bare.lower() in _NONE else bare
        else:
            yield "value", _unescaped(found[0].lstrip()) if double is not None else _ESCAPED.sub(r"\1", single)


def _unescaped(literal: str) -> str:
    try:
        return str(json.loads(literal, strict=False))
    except ValueError:
        return _ESCAPED.sub(r"\1", literal[1:-1])

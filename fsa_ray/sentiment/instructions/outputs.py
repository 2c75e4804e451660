"""One output of a task: from what a model or a file says to the canonical text, or to why it contradicts the task.

The canonical text of a label or of a few words is the bare words; of everything else it is JSON on one line.
"""

import json
from typing import Any

from fsa_ray.sentiment.answers import Dropped, clean_value
from fsa_ray.sentiment.grounding import FoldedText
from fsa_ray.sentiment.instructions.output_format import (
    HIGHEST,
    LONGEST_OPEN,
    LONGEST_SPAN,
    MOST_ITEMS,
    Field,
    OutputFormat,
    number,
)

_BARE = ("closed_classification", "open_classification")
_AROUND = " .,;:\"'`*"
_MOST_WORDS = 5
_LONGEST_SAID = 200
_LONGEST_TEXT = 20_000


class _Refused(Exception):
    """Inside this file only: a part of a value breaks a rule of the task."""


def write_output(value: Any) -> str:
    """A JSON value as the canonical text."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def output_value(form: OutputFormat, text: str) -> Any:
    """The JSON value that a canonical text stands for."""
    return text if form.kind in _BARE else json.loads(text)


def read_text(form: OutputFormat, text: str, source: str) -> str | Dropped:
    """The canonical text of an output that was written as text, bare or as JSON; `source` is the task's input.

    Reasons: see `read_value`. Never raises, whatever the texts.
    """
    said = text.strip()
    try:
        value = json.loads(said) if form.kind not in _BARE or said.startswith('"') else said
    except (ValueError, RecursionError):
        if form.kind not in _BARE:
            return Dropped("schema", clean_value(f"not JSON: {said[:_LONGEST_SAID]}"))
        value = said
    return read_value(form, value, source)


def read_value(form: OutputFormat, value: Any, source: str) -> str | Dropped:
    """The canonical text of an output that is a JSON value.

    Labels get their declared spelling and spans that of `source`, whose case, accents, white space and shape of quotes
    do not matter. A record may also be given as a list of {"field", "value"}.
    Reasons: labels, scale, span, schema. Never raises, whatever the value.
    """
    try:
        if form.kind == "closed_classification":
            return _label(value, form.labels or ())
        if form.kind == "open_classification":
            return _words(value)
        if form.kind == "scoring":
            return write_output(_score(value, form))
        folded = FoldedText(clean_value(source[:_LONGEST_TEXT]))
        if form.kind == "extraction":
            return write_output(_spans(value, folded))
        if not form.many:
            return write_output(_record(value, form.fields or (), folded))
        records = [_record(entry, form.fields or (), folded) for entry in _list(value)]
        if any(record in records[:i] for i, record in enumerate(records)):
            raise _Refused("schema", "a record is repeated")
        return write_output(records)
    except _Refused as refused:
        reason, said = refused.args
        return Dropped(reason, clean_value(said[:_LONGEST_SAID]))


def _label(value: Any, labels: tuple[str, ...]) -> str:
    said = clean_value(value).casefold() if isinstance(value, str) else ""
    for label in labels:
        if label.casefold() in (said, said.strip(_AROUND)):
            return label
    raise _Refused("labels", f"{_show(value)} is none of {', '.join(labels)}")


def _words(value: Any) -> str:
    words = clean_value(value).strip(_AROUND) if isinstance(value, str) else ""
    if not words or len(words) > LONGEST_OPEN or len(words.split()) > _MOST_WORDS:
        raise _Refused("schema", f"{_show(value)} is no label of at most {_MOST_WORDS} words")
    return words


def _score(value: Any, form: OutputFormat) -> int | float:
    assert form.minimum is not None and form.maximum is not None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _Refused("scale", f"{_show(value)} is no number")
    if not form.minimum <= value <= form.maximum:
        raise _Refused("scale", f"{_show(value)} is not from {number(form.minimum)} to {number(form.maximum)}")
    if not (form.decimals or float(value).is_integer()):
        raise _Refused("scale", f"{_show(value)} is not whole")
    return number(value)


def _record(value: Any, fields: tuple[Field, ...], source: FoldedText) -> dict[str, Any]:
    given = _paired(value)
    if given is None or set(given) != {field.name for field in fields}:
        raise _Refused("schema", f"{_show(value)} has not the fields {', '.join(field.name for field in fields)}")
    return {field.name: _field(given[field.name], field, source) for field in fields}


def _paired(value: Any) -> dict[str, Any] | None:
    if isinstance(value, list) and all(isinstance(v, dict) and set(v) == {"field", "value"} for v in value):
        named = {str(v["field"]): v["value"] for v in value}
        return named if len(named) == len(value) else None
    return value if isinstance(value, dict) else None


def _field(value: Any, field: Field, source: FoldedText) -> Any:
    if field.labels is not None:
        return _label(value, field.labels)
    if field.type == "boolean" and isinstance(value, bool):
        return value
    if field.type == "number" and isinstance(value, int | float) and not isinstance(value, bool):
        if -HIGHEST * HIGHEST <= value <= HIGHEST * HIGHEST:
            return number(value)
    elif field.type == "string" and isinstance(value, str) and 0 < len(clean_value(value)) <= LONGEST_SPAN:
        return clean_value(value)
    elif field.type == "span":
        return None if value is None else _span(value, source)
    elif field.type == "spans":
        return _spans(value, source)
    elif field.type == "strings":
        texts = [_field(entry, Field(name=field.name, type="string"), source) for entry in _list(value)]
        return list(dict.fromkeys(texts))
    raise _Refused("schema", f"{field.name}: {_show(value)} is no {field.type}")


def _spans(value: Any, source: FoldedText) -> list[str]:
    return list(dict.fromkeys(_span(entry, source) for entry in _list(value)))


def _span(value: Any, source: FoldedText) -> str:
    if not isinstance(value, str) or not clean_value(value) or len(value) > LONGEST_SPAN:
        raise _Refused("schema", f"{_show(value)} is no span")
    found = source.find(value)
    if found is None:
        raise _Refused("span", f"{value} is not in the input")
    return found


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list) or len(value) > MOST_ITEMS:
        raise _Refused("schema", f"{_show(value)} is no list of at most {MOST_ITEMS}")
    return value


def _show(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False)[:_LONGEST_SAID]
    except (ValueError, RecursionError):
        return "what was given"

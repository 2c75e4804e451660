"""What the output of a task may be: one label, a few words, a number, spans of the text, or records of fields."""

import math
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, model_validator

from fsa_ray.sentiment.answers import clean_value

TaskKind = Literal["closed_classification", "open_classification", "scoring", "extraction", "structured"]
TASK_KINDS: tuple[TaskKind, ...] = get_args(TaskKind)

FieldType = Literal["string", "number", "boolean", "strings", "span", "spans"]
FIELD_TYPES: tuple[FieldType, ...] = get_args(FieldType)

MOST_LABELS = 24
MOST_FIELDS = 8
MOST_ITEMS = 16
LONGEST_LABEL = 60
LONGEST_OPEN = 80
LONGEST_SPAN = 300
HIGHEST = 1000


class Field(BaseModel):
    """One field of a structured output.

    `span` is copied from the input letter by letter or null if the input has none; `strings` and `spans` are lists.
    A `string` may be restricted to `labels`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    type: FieldType
    labels: tuple[str, ...] | None = None

    @model_validator(mode="after")
    def _declares_labels_only_for_strings(self) -> "Field":
        if not self.name.isidentifier() or len(self.name) > LONGEST_LABEL:
            raise ValueError(f"the field {self.name[:80]!r} needs a name of letters, digits and underscores")
        if self.labels is not None:
            if self.type != "string":
                raise ValueError(f"the field {self.name} is of type {self.type}: only a string can have labels")
            check_labels(self.labels)
        return self


class OutputFormat(BaseModel):
    """The outputs that a task allows.

    closed_classification: one of `labels`. open_classification: a few words. scoring: a number from `minimum` to
    `maximum`, whole unless `decimals`. extraction: a list of spans of the input, [] if there is none. structured: one
    object with all of `fields`, or with `many` a list of such objects.

    Errors: ValueError if a kind lacks what it needs or has what belongs to another.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    kind: TaskKind
    labels: tuple[str, ...] | None = None
    minimum: float | None = None
    maximum: float | None = None
    decimals: bool = False
    fields: tuple[Field, ...] | None = None
    many: bool = False

    @model_validator(mode="after")
    def _fits_its_kind(self) -> "OutputFormat":
        _belongs(self.labels is not None, self.kind, "closed_classification", "labels")
        _belongs(self.minimum is not None and self.maximum is not None, self.kind, "scoring", "minimum and maximum")
        _belongs(self.fields is not None, self.kind, "structured", "fields")
        if self.kind != "scoring" and (self.minimum is not None or self.maximum is not None or self.decimals):
            raise ValueError(f"a task of kind {self.kind} has no scale: leave out minimum, maximum and decimals")
        if self.many and self.kind != "structured":
            raise ValueError(f"a task of kind {self.kind} has no records: leave out many")
        if self.labels is not None:
            check_labels(self.labels)
        if self.minimum is not None and self.maximum is not None:
            _check_scale(self.minimum, self.maximum, self.decimals)
        if self.fields is not None:
            _check_fields(self.fields)
        return self

    def answer_schema(self) -> dict[str, Any]:
        """JSON schema of one output, strict and bounded; what a span must occur in no schema can say."""
        if self.kind == "closed_classification":
            return {"type": "string", "enum": list(self.labels or ())}
        if self.kind == "open_classification":
            return _string(LONGEST_OPEN)
        if self.kind == "scoring":
            return {
                "type": "number" if self.decimals else "integer",
                "minimum": number(self.minimum or 0.0),
                "maximum": number(self.maximum or 0.0),
            }
        if self.kind == "extraction":
            return _several(_string(LONGEST_SPAN))
        record = {
            "type": "object",
            "properties": {field.name: _field_schema(field) for field in self.fields or ()},
            "required": [field.name for field in self.fields or ()],
            "additionalProperties": False,
        }
        return _several(record) if self.many else record

    def explain(self) -> str:
        """The sentence of an instruction that says how the output is written."""
        if self.kind == "closed_classification":
            return f"Output exactly one of these labels: {', '.join(self.labels or ())}."
        if self.kind == "open_classification":
            return "Output a label of your own choice, in at most five words."
        if self.kind == "scoring":
            whole = "number" if self.decimals else "whole number"
            return f"Output one {whole} from {number(self.minimum or 0.0)} to {number(self.maximum or 0.0)}."
        if self.kind == "extraction":
            return (
                "Output a JSON list of strings, each copied from the input letter by letter, in the order of the "
                "input; [] if there is none."
            )
        fields = "; ".join(f'"{field.name}" ({_explain_field(field)})' for field in self.fields or ())
        if self.many:
            return f"Output a JSON list of objects, [] if there is none. Each has these fields: {fields}."
        return f"Output one JSON object with these fields: {fields}."


def check_labels(labels: tuple[str, ...]) -> None:
    """Errors: ValueError unless there are 2 to 24 short labels that differ by more than case, each on one line."""
    if not 2 <= len(labels) <= MOST_LABELS:
        raise ValueError(f"{len(labels)} labels: a closed set has 2 to {MOST_LABELS}")
    if len({label.casefold() for label in labels}) < len(labels):
        raise ValueError(f"the labels {', '.join(labels)} are not distinct without regard to case")
    for label in labels:
        if not label or len(label) > LONGEST_LABEL or label != clean_value(label) or label.startswith('"'):
            raise ValueError(f"the label {label[:80]!r} is empty, long, quoted or not on one line")


def number(value: float) -> int | float:
    """A number as it is written: without a fraction if it is whole."""
    return int(value) if float(value).is_integer() else value


def _belongs(given: bool, kind: str, owner: str, what: str) -> None:
    if given != (kind == owner):
        raise ValueError(f"a task of kind {kind} {'has no' if given else 'needs'} {what}")


def _check_scale(minimum: float, maximum: float, decimals: bool) -> None:
    if not -HIGHEST <= minimum < maximum <= HIGHEST:
        raise ValueError(f"the scale from {minimum} to {maximum} is no scale: it rises, within {HIGHEST} around 0")
    if not decimals and math.floor(maximum) == math.floor(minimum):
        raise ValueError(f"the scale from {minimum} to {maximum} has one whole number: set decimals")
    if not decimals and not (float(minimum).is_integer() and float(maximum).is_integer()):
        raise ValueError(f"the scale from {minimum} to {maximum} has decimals at its ends: set decimals")


def _check_fields(fields: tuple[Field, ...]) -> None:
    if not 1 <= len(fields) <= MOST_FIELDS:
        raise ValueError(f"{len(fields)} fields: a record has 1 to {MOST_FIELDS}")
    names = [field.name for field in fields]
    if len(set(names)) < len(names):
        raise ValueError(f"the fields {', '.join(names)} are not distinct")


def _explain_field(field: Field) -> str:
    if field.labels is not None:
        return f"one of: {', '.join(field.labels)}"
    return {
        "string": "a short text",
        "number": "a number",
        "boolean": "true or false",
        "strings": "a list of short texts",
        "span": "copied from the input letter by letter, or null if the input has none",
        "spans": "a list of strings copied from the input letter by letter",
    }[field.type]


def _field_schema(field: Field) -> dict[str, Any]:
    if field.labels is not None:
        return {"type": "string", "enum": list(field.labels)}
    if field.type in ("number", "boolean"):
        return {"type": field.type}
    if field.type == "span":
        return {"anyOf": [_string(LONGEST_SPAN), {"type": "null"}]}
    return _string(LONGEST_SPAN) if field.type == "string" else _several(_string(LONGEST_SPAN))


def _string(longest: int) -> dict[str, Any]:
    return {"type": "string", "minLength": 1, "maxLength": longest}


def _several(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items, "maxItems": MOST_ITEMS}

"""JSON schemas of what a teacher replies when it makes instructions.

Every object names all its keys, demands them and allows no others; strings and lists are bounded. So vLLM's structured
output and endpoints with strict schemas take them.
"""

from typing import Any

from fsa_ray.sentiment.instructions.output_format import (
    FIELD_TYPES,
    LONGEST_LABEL,
    LONGEST_OPEN,
    LONGEST_SPAN,
    MOST_FIELDS,
    MOST_ITEMS,
    MOST_LABELS,
    TASK_KINDS,
    OutputFormat,
    TaskKind,
)

Schema = dict[str, Any]

MOST_ATTRIBUTES = 24
MOST_INSTRUCTIONS = 16
MOST_TASKS = 16
ASKED_EXAMPLES, MOST_EXAMPLES = 8, 12
ASKED_DEMONSTRATIONS = 2
_LONGEST_TEXT = 600


def attributes_schema() -> Schema:
    attribute = closed(name=text(80), description=text(300), value=text(200))
    return closed(attributes=several(attribute, 1, MOST_ATTRIBUTES))


def instructions_schema() -> Schema:
    return closed(instructions=several(text(400), 1, MOST_INSTRUCTIONS))


def tasks_schema() -> Schema:
    task = closed(name=text(80), kind=choice(list(TASK_KINDS)), description=text(400))
    return closed(tasks=several(task, 1, MOST_TASKS))


def definition_schema(kind: TaskKind) -> Schema:
    """Of a full definition. Records of a structured output are lists of {"field", "value"}, since only the reply itself
    says which fields there are."""
    own: dict[TaskKind, Schema] = {
        "closed_classification": {"labels": several(text(LONGEST_LABEL), 2, MOST_LABELS)},
        "open_classification": {},
        "scoring": {"minimum": {"type": "number"}, "maximum": {"type": "number"}, "decimals": {"type": "boolean"}},
        "extraction": {},
        "structured": {"fields": several(_field(), 1, MOST_FIELDS), "many": {"type": "boolean"}},
    }
    examples = several(closed(input=text(_LONGEST_TEXT), output=_output(kind)), ASKED_EXAMPLES, MOST_EXAMPLES)
    return closed(name=text(80), kind=choice([kind]), description=text(1500), **own[kind], examples=examples)


def demonstrations_schema(form: OutputFormat) -> Schema:
    example = closed(input=text(_LONGEST_TEXT), output=form.answer_schema())
    return closed(examples=several(example, ASKED_DEMONSTRATIONS, ASKED_DEMONSTRATIONS))


def closed(**properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def several(items: Schema, least: int, most: int) -> Schema:
    return {"type": "array", "items": items, "minItems": least, "maxItems": most}


def text(longest: int) -> Schema:
    return {"type": "string", "minLength": 1, "maxLength": longest}


def choice(values: list[Any]) -> Schema:
    return {"type": "string", "enum": values}


def _field() -> Schema:
    labels = {"anyOf": [several(text(LONGEST_LABEL), 2, MOST_LABELS), {"type": "null"}]}
    return closed(name=text(LONGEST_LABEL), type=choice(list(FIELD_TYPES)), labels=labels)


def _output(kind: TaskKind) -> Schema:
    spans = several(text(LONGEST_SPAN), 0, MOST_ITEMS)
    scalars: list[Schema] = [text(LONGEST_SPAN), {"type": "number"}, {"type": "boolean"}, {"type": "null"}]
    record = several(closed(field=text(LONGEST_LABEL), value={"anyOf": [*scalars, spans]}), 1, MOST_FIELDS)
    return {
        "closed_classification": text(LONGEST_LABEL),
        "open_classification": text(LONGEST_OPEN),
        "scoring": {"type": "number"},
        "extraction": spans,
        "structured": {"anyOf": [record, several(record, 0, MOST_ITEMS)]},
    }[kind]

"""How an answer is written, in demonstrations and in instructions: labels, lists of tuples, JSON, `term | polarity`."""

import json
from typing import Any

from fsa_ray.evaluation.classification import ClassificationTask
from fsa_ray.evaluation.extraction import EntryTask
from fsa_ray.evaluation.graph import GraphTask
from fsa_ray.evaluation.item import Entry, Item
from fsa_ray.evaluation.spans import normal, occurrences, parts, read_offsets
from fsa_ray.evaluation.task import Protocol, Task


def explain(task: Task, protocol: Protocol) -> str:
    """The last sentences of an instruction: in which form to answer. Empty under p1, which has no instruction."""
    if protocol == "p1":
        return ""
    if isinstance(task, ClassificationTask):
        return f"Answer with one label and nothing else. Labels: {', '.join(task.labels)}."
    assert isinstance(task, EntryTask)
    if protocol == "v1":
        nothing = _tuples(task, []) if isinstance(task, GraphTask) else "[]"
        names = ", ".join(name.replace("_", " ") for name in task.fields)
        return f"Answer on one line with a list of tuples ({names}). If there is none, answer {nothing}."
    form = json.dumps([dict.fromkeys(task.fields, "")])
    text = f"Answer with a JSON array of this form: {form}. If there is none, answer []."
    if protocol == "strict" and task.spans:
        text += (
            " Where the sentence has the copied words several times, add which time you mean (1 is the first) as "
            f'a number under the name of the field and _occurrence, such as "{task.spans[0]}_occurrence": 2.'
        )
    return text


def write_answer(task: Task, item: Item, protocol: Protocol) -> str:
    """The gold answer of an item as a perfect model would write it."""
    if isinstance(item.gold, str):
        target = item.extra.get("target")
        return item.gold if target is None else f"{item.gold} (opinion towards '{target}')"
    assert isinstance(task, EntryTask)
    if protocol == "p1":
        pairs = {str(entry): " | ".join(str(entry[name]) for name in task.fields) for entry in item.gold}
        return " ; ".join(pairs.values())
    if protocol == "v1":
        return _tuples(task, item.gold)
    placed = protocol == "strict"
    return json.dumps([_object(task, entry, item.text, placed) for entry in item.gold], indent=2, ensure_ascii=False)


def answer_schema(task: Task) -> dict[str, Any]:
    """JSON schema of an extraction answer under v2 and strict, for engines that constrain the output."""
    assert isinstance(task, EntryTask)
    properties: dict[str, Any] = {
        name: {"type": ["string", "null"] if name in task.optional else "string"} for name in task.fields
    }
    properties[task.fields[-1]] = {"enum": list(task.polarities)}
    if task.labels:
        properties["aspect_category"] = {"enum": list(task.labels)}
    for name in task.spans:
        properties[f"{name}_occurrence"] = {"type": "integer", "minimum": 1}
    entry = {
        "type": "object",
        "properties": properties,
        "required": list(task.fields),
        "additionalProperties": False,
    }
    return {"type": "array", "items": entry}


def _tuples(task: EntryTask, gold: list[Entry]) -> str:
    rows = [[str(entry[name] or "NULL") for name in task.fields] for entry in gold]
    if isinstance(task, GraphTask):
        rows = rows or [["NULL"] * len(task.fields)]
    return "[" + ", ".join("(" + ", ".join(repr(value) for value in row) + ")" for row in rows) + "]"


def _object(task: EntryTask, entry: Entry, sentence: str, placed: bool) -> Entry:
    written: Entry = {}
    for name in task.fields:
        written[name] = entry[name] if entry[name] is not None else "NULL"
        number = _occurrence(entry, name, sentence) if placed and name in task.spans else None
        if number is not None:
            written[f"{name}_occurrence"] = number
    return written


def _occurrence(entry: Entry, name: str, sentence: str) -> int | list[int] | None:
    """Which occurrence of its words each part of a span is; None where there is nothing to tell apart."""
    spans, text = read_offsets(entry.get(f"{name}_offsets")), normal(entry[name])
    if spans is None or text is None:
        return None
    places = [occurrences(part, sentence) for part in parts(text, sentence)]
    if len(places) != len(spans) or all(len(found) == 1 for found in places):
        return None
    numbers = [found.index(span) + 1 if span in found else 0 for found, span in zip(places, spans, strict=True)]
    if 0 in numbers:
        return None
    return numbers[0] if len(numbers) == 1 else numbers

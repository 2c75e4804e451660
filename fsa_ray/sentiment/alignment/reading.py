"""What an answer says, whatever its format: from text to polarities and entries."""

import re
from collections.abc import Sequence
from typing import Any, cast

from fsa_ray.schemas.opinion import POLARITIES
from fsa_ray.sentiment.alignment.entries import settle
from fsa_ray.sentiment.alignment.labelled import Answer, Entry
from fsa_ray.sentiment.alignment.tuples import read_tuples
from fsa_ray.sentiment.alignment.variant import Variant
from fsa_ray.sentiment.alignment.writing import NOTHING
from fsa_ray.sentiment.answers import Dropped, clean_value
from fsa_ray.sentiment.grounding import FoldedText
from fsa_ray.sentiment.instructions.reply import Reading, find_entries, find_object
from fsa_ray.sentiment.prompts import MOST_OPINIONS

_AROUND = " .,;:\"'`*"
_BULLET = re.compile(r"[-*•][ \t]+")
_SHOWN = 200


def read(variant: Variant, answer: str, review: str, finish_reason: str | None = None) -> Answer | Dropped:
    """What an answer about a review says, in canonical polarities, or why it cannot be read.

    An answer counts as a whole: one bad entry makes it unreadable, since what is left would not be what was said.
    Entries that are given twice count once; the answer word of the frame may come first. Reasons: empty, cut (the
    token budget ended it), unreadable (not in the form asked for), label, fields (others than the declared ones, or
    one empty or long), invented (a target or evidence that is not in the review), surplus. Never raises.
    """
    said = answer.strip()
    frame = f"{variant.answer_word}:"
    said = said[len(frame) :].strip() if said[: len(frame)].casefold() == frame.casefold() else said
    if not said:
        return Dropped("empty", "")
    if finish_reason == "length":
        return Dropped("cut", "the answer reached the token limit")
    if len(variant.about.fields) == 1:
        return _label(variant, said)
    rows = _rows(variant, said)
    if isinstance(rows, Dropped):
        return rows
    if len(rows) > MOST_OPINIONS:
        return Dropped("surplus", f"more than {MOST_OPINIONS} entries")
    folded = FoldedText(clean_value(review))
    entries: dict[Entry, None] = {}
    for row in rows:
        entry = _entry(variant, row, folded)
        if isinstance(entry, Dropped):
            return entry
        entries[entry] = None
    return tuple(entries)


def _label(variant: Variant, said: str) -> str | Dropped:
    if variant.form == "word":
        return _canonical(variant, said.split("\n", 1)[0])
    (field,) = variant.about.fields
    found = find_object(said, field)
    if isinstance(found, Reading):
        return Dropped("unreadable", found.detail)
    if set(found) != {field}:
        return Dropped("fields", clean_value(", ".join(found)[:_SHOWN]))
    return _canonical(variant, found[field])


def _canonical(variant: Variant, value: Any) -> str | Dropped:
    """The polarity of a label word, which may be a whole number."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10:
        value = str(value)
    said = clean_value(value[:_SHOWN]) if isinstance(value, str) else ""
    for label, polarity in zip(variant.labels, POLARITIES, strict=True):
        if label.casefold() in (said.casefold(), said.strip(_AROUND).casefold()):
            return polarity
    return Dropped("label", said)


def _rows(variant: Variant, said: str) -> Sequence[Sequence[Any]] | Dropped:
    """The values of each entry, one more entry than allowed at most."""
    if variant.form == "json":
        return _from_json(variant, said)
    rows = _from_lines(said) if variant.form == "lines" else read_tuples(said, MOST_OPINIONS)
    return Dropped("unreadable", clean_value(said[:_SHOWN])) if rows is None else rows


def _from_json(variant: Variant, said: str) -> list[list[Any]] | Dropped:
    objects = find_entries(said, "opinions")
    if isinstance(objects, Reading):
        return Dropped("unreadable", objects.detail)
    fields = variant.about.fields
    rows = []
    for entry in objects[: MOST_OPINIONS + 1]:
        if not isinstance(entry, dict) or set(entry) != set(fields):
            return Dropped("fields", clean_value(", ".join(entry)[:_SHOWN]) if isinstance(entry, dict) else "no object")
        rows.append([entry[field] for field in fields])
    return rows


def _from_lines(said: str) -> list[list[str]] | None:
    """The cells of each line; None if a line has none. Code fences do not count."""
    lines = [line.strip() for line in said.split("\n", 4 * MOST_OPINIONS) if line.strip()]
    lines = [line for line in lines if not line.startswith("```")][: MOST_OPINIONS + 1]
    if len(lines) == 1 and _unbulleted(lines[0]).strip(_AROUND).lower() == NOTHING:
        return []
    return [_unbulleted(line).split("|") for line in lines] if lines and all("|" in line for line in lines) else None


def _unbulleted(line: str) -> str:
    found = _BULLET.match(line)
    return line[found.end() :] if found else line


def _entry(variant: Variant, row: Sequence[Any], review: FoldedText) -> Entry | Dropped:
    fields = variant.about.fields
    if len(row) != len(fields):
        return Dropped("fields", f"{len(row)} values for {', '.join(fields)}")
    *values, label = row
    polarity = _canonical(variant, label)
    if isinstance(polarity, Dropped):
        return polarity
    if not all(value is None or isinstance(value, str) for value in values):
        return Dropped("fields", "a value is no text")
    return settle(fields, [*cast(list[str | None], values), polarity], review, implied=variant.about.implied)

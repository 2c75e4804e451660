"""An answer as a perfect model would write it: what demonstrations show and students learn."""

import json

from fsa_ray.schemas.opinion import POLARITIES
from fsa_ray.sentiment.alignment.labelled import Answer, Entry
from fsa_ray.sentiment.alignment.variant import Variant
from fsa_ray.sentiment.answers import clean_value

NOTHING = "none"


def write(variant: Variant, answer: Answer) -> str:
    """The canonical text of an answer, its polarities as the variant's label words.

    `read` brings back gold answers and what it read itself. Errors: KeyError for a polarity that is none.
    """
    names = dict(zip(POLARITIES, variant.labels, strict=True))
    if isinstance(answer, str):
        label = names[answer]
        return label if variant.form == "word" else json.dumps({variant.about.fields[0]: label}, ensure_ascii=False)
    rows: list[Entry] = [(*entry[:-1], names[entry[-1] or ""]) for entry in answer]
    if variant.form == "json":
        objects = [dict(zip(variant.about.fields, row, strict=True)) for row in rows]
        return json.dumps(objects, ensure_ascii=False)
    if variant.form == "tuples":
        return "[" + ", ".join(f"({', '.join(map(_quoted, row))})" for row in rows) + "]"
    return "\n".join("- " + " | ".join(map(_cell, row)) for row in rows) or NOTHING


def _quoted(value: str | None) -> str:
    return "None" if value is None else json.dumps(value, ensure_ascii=False)


def _cell(value: str | None) -> str:
    return NOTHING if value is None else clean_value(value.replace("|", " "))

"""The user turn of a record: instruction, solved cases, query."""

from collections.abc import Sequence

from fsa_ray.sentiment.alignment.entries import Field
from fsa_ray.sentiment.alignment.labelled import Case, Query
from fsa_ray.sentiment.alignment.variant import Variant
from fsa_ray.sentiment.alignment.wording import Form
from fsa_ray.sentiment.alignment.writing import NOTHING, write
from fsa_ray.sentiment.answers import clean_value

_NO_TARGET: dict[Form, str] = {"json": "null", "tuples": "None", "lines": NOTHING}


def render(variant: Variant, demonstrations: Sequence[Case], query: Query) -> str:
    """The user turn, which ends where the answer is to follow.

    Frames are words at the start of a line. The review is data: it is put on one line, in demonstrations and in the
    query, so that nothing in it starts a line, whatever it says. Rows of an answer start with a dash for the same
    reason. Errors: ValueError if the query has an aspect and the task is not about one, or the other way round.
    """
    if (query.slot is None) != (variant.about.slot is None):
        raise ValueError(f"{variant.task}: the query has {'no' if query.slot is None else 'an'} aspect")
    shown = [f"{_frame(variant, case.query)}{_gap(variant)}{write(variant, case.gold)}" for case in demonstrations]
    return "\n\n".join([f"{variant.instruction} {explain(variant)}", *shown, _frame(variant, query)])


def explain(variant: Variant) -> str:
    """The sentences of an instruction that say how the answer is written."""
    fields = variant.about.fields
    if variant.form == "word":
        return "Answer with the label alone."
    if len(fields) == 1:
        return f'Answer with one JSON object of the form {{"{fields[0]}": "..."}}, with the label as value.'
    if variant.form == "json":
        form = ", ".join(f'"{field}": "..."' for field in fields)
        written = f"Answer with a JSON array of objects of the form {{{form}}}. If there is nothing to list, answer []."
    elif variant.form == "tuples":
        form = ", ".join(f'"{field}"' for field in fields)
        written = f"Answer with a list of tuples of the form [({form})]. If there is nothing to list, answer []."
    else:
        form = " | ".join(fields)
        written = f"Answer with one line for each, like this: - {form}. If there is nothing to list, answer {NOTHING}."
    parts = "; ".join(_explain_field(field, variant) for field in fields)
    return f"{written} Its parts: {parts}."


def _frame(variant: Variant, query: Query) -> str:
    lines = [f"{variant.text_word}: {clean_value(query.text)}"]
    if query.slot is not None:
        lines.append(f"{variant.about.slot}: {clean_value(query.slot)}")
    return "\n".join([*lines, f"{variant.answer_word}:"])


def _gap(variant: Variant) -> str:
    return "\n" if variant.form == "lines" else " "


def _explain_field(field: Field, variant: Variant) -> str:
    if field == "polarity":
        return "polarity, one of the labels"
    if field == "target":
        implied = f", or {_NO_TARGET[variant.form]} if it is only implied" if variant.about.implied else ""
        return f"target, the thing judged, copied letter by letter{implied}"
    if field == "aspect":
        return "aspect, the side that is judged, in one or two lower-case words"
    return "evidence, the shortest passage that shows the feeling, copied letter by letter"

"""From a teacher's replies to analysis instructions, proposed tasks and full definitions. Nothing here raises.

A reply is joined to its request by the caller; the definition of another task than the proposed one is refused.
"""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple, cast

from pydantic import ValidationError

from fsa_ray.sentiment.answers import Dropped, clean_value
from fsa_ray.sentiment.instructions.output_format import TASK_KINDS, OutputFormat, TaskKind
from fsa_ray.sentiment.instructions.outputs import read_value
from fsa_ray.sentiment.instructions.pairs import needs_two_texts
from fsa_ray.sentiment.instructions.reply import Reading, find_entries, find_object, refused, text_of
from fsa_ray.sentiment.instructions.task import Demonstration, TaskDefinition

MIN_EXAMPLES = 4
MOST_ENTRIES = 64
LONGEST_INPUT = 2000
_FEWEST_WORDS, _LONGEST_INSTRUCTION = 4, 600
_LONGEST_NAME, _LONGEST_DESCRIPTION = 120, 2000
_FRAME = re.compile(r"\b(?:input|output)\s*:", re.IGNORECASE)
_WORD = re.compile(r"[^\W_]+")


class Proposal(NamedTuple):
    """A task that a teacher proposed: not yet a definition."""

    name: str
    kind: TaskKind
    description: str


def read_analysis(reply: str, finish_reason: str | None = None) -> Reading[str]:
    """Analysis instructions from {"instructions": [...]}.

    Reasons: empty, cut, unreadable, schema, none (none is left). Dropped: schema, length, frame, pair_of_texts, repeat.
    """
    entries = find_entries(reply, "instructions", finish_reason)
    if isinstance(entries, Reading):
        return entries
    kept: dict[str, str] = {}
    dropped: list[Dropped] = []
    for entry in entries[:MOST_ENTRIES]:
        text = clean_value(entry) if isinstance(entry, str) else ""
        reason = _why_no_instruction(text, isinstance(entry, str)) or ("repeat" if normal(text) in kept else "")
        if reason:
            dropped.append(Dropped(reason, text[:200]))
        else:
            kept[normal(text)] = text
    return Reading(tuple(kept.values()), tuple(dropped)) if kept else refused("none", "", tuple(dropped))


def read_proposals(reply: str, finish_reason: str | None = None) -> Reading[Proposal]:
    """Proposed tasks from {"tasks": [{"name", "kind", "description"}]}.

    Reasons: empty, cut, unreadable, schema, none (none is left). Dropped: schema, kind, length, pair_of_texts, repeat.
    """
    entries = find_entries(reply, "tasks", finish_reason)
    if isinstance(entries, Reading):
        return entries
    kept: dict[str, Proposal] = {}
    dropped: list[Dropped] = []
    for entry in entries[:MOST_ENTRIES]:
        name, kind, description = (text_of(entry, key) for key in ("name", "kind", "description"))
        reason = _why_no_proposal(name, kind, description) or ("repeat" if normal(name) in kept else "")
        if reason:
            dropped.append(Dropped(reason, f"{name} ({kind}): {description}"[:200]))
        else:
            kept[normal(name)] = Proposal(name, cast(TaskKind, kind), description)
    return Reading(tuple(kept.values()), tuple(dropped)) if kept else refused("none", "", tuple(dropped))


def read_definition(
    reply: str, proposal: Proposal, *, min_examples: int = MIN_EXAMPLES, finish_reason: str | None = None
) -> Reading[TaskDefinition]:
    """The definition (one value) of a proposed task, with those of its examples that obey it.

    Reasons: empty, cut, unreadable, other_task (another kind, or a name of other words), length, pair_of_texts, labels,
    scale, schema, examples (fewer than `min_examples` are left). Dropped examples: see `read_examples`.
    The definition keeps the proposal's name.
    """
    found = find_object(reply, "description", finish_reason)
    if isinstance(found, Reading):
        return found
    name, kind, description = (text_of(found, key) for key in ("name", "kind", "description"))
    if kind != proposal.kind or not _shares_words(name, f"{proposal.name} {proposal.description}"):
        return refused("other_task", f"{name} ({kind}) instead of {proposal.name} ({proposal.kind})")
    if not 0 < len(description) <= _LONGEST_DESCRIPTION:
        return refused("length", description)
    given = found.get("examples")
    entries = given[:MOST_ENTRIES] if isinstance(given, list) else []
    inputs = [shown for entry in entries for shown in _inputs(entry)]
    pair = needs_two_texts(f"{proposal.name}. {description}", inputs)
    if pair or any(_is_pair(entry) for entry in entries):
        return refused("pair_of_texts", pair or "inputs of several parts")
    form = _read_form(found, proposal.kind)
    if isinstance(form, Reading):
        return form
    kept, dropped = read_examples(form, entries)
    if len(kept) < min_examples:
        return refused("examples", f"{len(kept)} of {len(entries)} examples obey the task", dropped)
    task = TaskDefinition(**dict(form), name=proposal.name, description=description, examples=kept)
    return Reading((task,), dropped)


def read_examples(
    form: OutputFormat, entries: Sequence[Any], known: Sequence[Demonstration] = ()
) -> tuple[tuple[Demonstration, ...], tuple[Dropped, ...]]:
    """The {"input", "output"} entries that obey a task, in canonical form, and the others.

    Dropped: empty (no input), length, frame, labels, scale, span, schema, repeat (the input is among `known`, or came
    before).
    """
    seen = {normal(shown.input) for shown in known}
    kept: list[Demonstration] = []
    dropped: list[Dropped] = []
    for entry in entries:
        source = text_of(entry, "input")
        reason = _why_no_input(source)
        output = Dropped(reason, source[:200]) if reason else read_value(form, entry.get("output"), source)
        if isinstance(output, Dropped):
            dropped.append(output)
        elif normal(source) in seen:
            dropped.append(Dropped("repeat", source[:200]))
        else:
            seen.add(normal(source))
            kept.append(Demonstration(input=source, output=output))
    return tuple(kept), tuple(dropped)


def normal(text: str) -> str:
    """The words of a text without regard to case and punctuation; the text itself if it has none."""
    return " ".join(_WORD.findall(text.casefold())) or text


def _why_no_instruction(text: str, is_text: bool) -> str:
    if not is_text:
        return "schema"
    if len(text) > _LONGEST_INSTRUCTION or len(text.split()) < _FEWEST_WORDS:
        return "length"
    if _FRAME.search(text):
        return "frame"
    return "pair_of_texts" if needs_two_texts(text) else ""


def _why_no_proposal(name: str, kind: str, description: str) -> str:
    if not name or not description:
        return "schema"
    if kind not in TASK_KINDS:
        return "kind"
    if len(name) > _LONGEST_NAME or len(description) > _LONGEST_DESCRIPTION:
        return "length"
    return "pair_of_texts" if needs_two_texts(f"{name}. {description}") else ""


def _why_no_input(source: str) -> str:
    if not source:
        return "empty"
    if len(source) > LONGEST_INPUT:
        return "length"
    return "frame" if _FRAME.search(source) else ""


def _read_form(found: dict[str, Any], kind: TaskKind) -> OutputFormat | Reading[Any]:
    """The output format of a definition; keys of other kinds, which a schema may demand as null, do not count."""
    keys = {
        "closed_classification": ("labels",),
        "scoring": ("minimum", "maximum", "decimals"),
        "structured": ("fields", "many"),
    }.get(kind, ())
    try:
        return OutputFormat.model_validate({"kind": kind, **{key: found[key] for key in keys if key in found}})
    except (ValidationError, RecursionError) as error:
        reason = {"closed_classification": "labels", "scoring": "scale"}.get(kind, "schema")
        return refused(reason, str(error.errors()[0]["msg"]) if isinstance(error, ValidationError) else "too deep")


def _inputs(entry: Any) -> list[str]:
    source = entry.get("input") if isinstance(entry, dict) else None
    return [source] if isinstance(source, str) else []


def _is_pair(entry: Any) -> bool:
    source = entry.get("input") if isinstance(entry, dict) else None
    return isinstance(source, dict | list) and len(source) > 1


def _shares_words(name: str, wanted: str) -> bool:
    """Whether a name has a word of four letters or more in common with what was wanted; a missing name does."""
    said = {word for word in normal(name).split() if len(word) > 3}
    return not said or bool(said & set(normal(wanted).split()))

"""From a teacher's reply to further demonstrations of a task that are new, its own words, and obey the task."""

import re
from collections.abc import Sequence

import pyarrow as pa

from fsa_ray.sentiment.answers import Dropped
from fsa_ray.sentiment.contamination import RUN, EvaluationRuns
from fsa_ray.sentiment.duplicates import SHINGLE
from fsa_ray.sentiment.instructions.pairs import needs_two_texts
from fsa_ray.sentiment.instructions.reply import Reading, find_entries, refused
from fsa_ray.sentiment.instructions.task import Demonstration, TaskDefinition
from fsa_ray.sentiment.instructions.validation import MOST_ENTRIES, normal, read_examples

MOST_ALIKE = 0.8
_MENTION = re.compile(r"\b(?:reference (?:text|review)s?|style reference|example (?:\d{1,2}|one|two))\b", re.IGNORECASE)
_CONTRADICTIONS = ("labels", "scale", "span", "schema")


def read_demonstrations(
    reply: str,
    task: TaskDefinition,
    references: Sequence[str],
    known: Sequence[Demonstration] = (),
    *,
    finish_reason: str | None = None,
) -> Reading[Demonstration]:
    """New demonstrations from {"examples": [{"input", "output"}]}.

    `references` are the reviews that were shown as style; `known` are demonstrations beside the task's own examples.
    Reasons: empty, cut, unreadable, schema, none (none is left). Dropped: contradiction (of the task's rules), empty,
    length, frame, pair_of_texts, mention (of the references or examples), copy (of a reference: 13 words in a row, all
    words of a shorter one, or word triples that are alike), repeat (the same, or alike in word triples). Never raises.
    """
    entries = find_entries(reply, "examples", finish_reason)
    if isinstance(entries, Reading):
        return entries
    earlier = (*task.examples, *known)
    read, refusals = read_examples(task, entries[:MOST_ENTRIES], earlier)
    dropped = [
        Dropped("contradiction", f"{part.reason}: {part.said}") if part.reason in _CONTRADICTIONS else part
        for part in refusals
    ]
    kept: list[Demonstration] = []
    for shown in read:
        reason = _why_not(shown.input, references, [old.input for old in (*earlier, *kept)])
        if reason:
            dropped.append(Dropped(reason, shown.input[:200]))
        else:
            kept.append(shown)
    return Reading(tuple(kept), tuple(dropped)) if kept else refused("none", "", tuple(dropped))


def shingles(text: str) -> set[tuple[str, ...]]:
    """The word triples of a text; all words as one where there are fewer."""
    words = normal(text).split()
    return {tuple(words[i : i + SHINGLE]) for i in range(max(1, len(words) - SHINGLE + 1))}


def likeness(one: set[tuple[str, ...]], other: set[tuple[str, ...]]) -> float:
    """Jaccard similarity of two sets, 0 to 1."""
    return len(one & other) / max(1, len(one | other))


def _why_not(source: str, references: Sequence[str], earlier: Sequence[str]) -> str:
    if _MENTION.search(source):
        return "mention"
    if needs_two_texts("", [source]):
        return "pair_of_texts"
    mine = shingles(source)
    if _overlaps(source, references) or any(likeness(mine, shingles(text)) >= MOST_ALIKE for text in references):
        return "copy"
    return "repeat" if any(likeness(mine, shingles(text)) >= MOST_ALIKE for text in earlier) else ""


def _overlaps(source: str, references: Sequence[str]) -> bool:
    if not references:
        return False
    runs = EvaluationRuns(pa.array(list(references), pa.string()), run=RUN)
    return bool(runs.first_overlap(pa.array([source], pa.string()))[0] >= 0)

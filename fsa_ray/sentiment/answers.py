"""Analysis answers: from a model's text to opinions, and from opinions to the canonical text.

Compact form: the overall polarity on the first line, then one line `target | aspect | polarity | evidence` for each
opinion, `-` as target where it is implied. JSON form: {"polarity": ..., "opinions": [{"target": ..., ...}]}.
Whatever the text, reading it returns a value: nothing here raises because of what a model wrote.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

from fsa_ray.schemas.opinion import POLARITIES, Opinion, Polarity
from fsa_ray.sentiment.prompts import MOST_OPINIONS

_DEGREES = {"very", "strongly", "highly", "extremely", "mildly", "slightly", "somewhat", "mostly", "moderately"}
_SYNONYMS = {"mixed": "neutral", "balanced": "neutral", "conflict": "neutral", "none": "neutral"}
_NO_TARGET = {"", "-", "null", "none", "n/a", "implied", "implicit"}
_LONGEST_VALUE = 2000
_OBJECTS_TRIED = 16


@dataclass(frozen=True)
class Dropped:
    """A part of an answer that was refused: a one-word reason, and what it said."""

    reason: str
    said: str


@dataclass(frozen=True)
class Analysis:
    """What an analysis answer says. `reason` is None, or the word for why the answer as a whole cannot be read.

    Words: empty, format. `dropped` names single opinions that could not be read: format, polarity, aspect, evidence,
    repeat, surplus.
    """

    polarity: Polarity | None
    opinions: tuple[Opinion, ...] = ()
    dropped: tuple[Dropped, ...] = ()
    reason: str | None = None


def parse_analysis(answer: str) -> Analysis:
    """Read an analysis answer in JSON (also within a code fence or prose) or in the compact form.

    Graded polarities ("very positive") lose their degree; "mixed" is neutral. Never raises.
    """
    text = answer.strip()
    if not text:
        return Analysis(None, reason="empty")
    if parse_polarity(text.split("\n", 1)[0]) is None:
        found = next(_objects(text), None)
        if found is not None:
            return _from_json(found)
    return _from_lines(text)


def parse_polarity(value: Any) -> Polarity | None:
    """The polarity that a word means, or None."""
    if not isinstance(value, str) or len(value) > 100:
        return None
    words = value.strip(" \t\r\n.*\"'`").lower().replace("-", " ").split()
    if len(words) == 2 and words[0] in _DEGREES:
        words = words[1:]
    word = _SYNONYMS.get(words[0], words[0]) if len(words) == 1 else ""
    return cast(Polarity, word) if word in POLARITIES else None


def render_compact(polarity: Polarity, opinions: Sequence[Opinion]) -> str:
    """The canonical compact answer: what students are trained on. Nothing follows the last line."""
    lines = [" | ".join((_cell(o.target) or "-", _cell(o.aspect), o.polarity, _cell(o.evidence))) for o in opinions]
    return "\n".join([polarity, *lines])


def render_json(polarity: Polarity, opinions: Sequence[Opinion]) -> str:
    """The canonical JSON answer, without white space between its tokens."""
    answer = {"polarity": polarity, "opinions": [o.model_dump() for o in opinions]}
    return json.dumps(answer, ensure_ascii=False, separators=(",", ":"))


def clean_value(value: str) -> str:
    """A value on one line: runs of white space are one blank, what cannot be stored as UTF-8 or is NUL is gone."""
    encodable = value if value.isascii() else value.encode("utf-8", "ignore").decode("utf-8")
    return " ".join(encodable.replace("\0", " ").split())


def _cell(value: str | None) -> str:
    return clean_value((value or "").replace("|", " "))


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """The JSON objects in a text that have a polarity, looked for at its first braces only."""
    decoder = json.JSONDecoder()
    start = -1
    for _ in range(_OBJECTS_TRIED):
        start = text.find("{", start + 1)
        if start < 0:
            return
        try:
            found, _end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict) and "polarity" in found:
            yield found


def _from_json(found: dict[str, Any]) -> Analysis:
    polarity = parse_polarity(found["polarity"])
    entries = found.get("opinions", [])
    if polarity is None or not isinstance(entries, list):
        return Analysis(None, reason="format")
    return _collect(polarity, (_entry(entry) for entry in entries[: MOST_OPINIONS * 8]))


def _from_lines(text: str) -> Analysis:
    first, _, rest = text.partition("\n")
    polarity = parse_polarity(first)
    if polarity is None:
        return Analysis(None, reason="format")
    lines = rest.split("\n", MOST_OPINIONS * 8)[: MOST_OPINIONS * 8]
    return _collect(polarity, (_line(line) for line in lines if line.strip()))


def _collect(polarity: Polarity, parts: Iterator[Opinion | Dropped]) -> Analysis:
    kept: dict[Opinion, None] = {}
    dropped: list[Dropped] = []
    for part in parts:
        if isinstance(part, Dropped):
            dropped.append(part)
        elif part in kept:
            dropped.append(Dropped("repeat", part.evidence))
        elif len(kept) == MOST_OPINIONS:
            dropped.append(Dropped("surplus", part.evidence))
        else:
            kept[part] = None
    return Analysis(polarity, tuple(kept), tuple(dropped))


def _entry(entry: Any) -> Opinion | Dropped:
    fields = entry if isinstance(entry, dict) else {"evidence": entry}
    target, *others = (fields.get(key) for key in ("target", "aspect", "polarity", "evidence"))
    texts = [value for value in (target, *others) if isinstance(value, str)]
    if len(texts) < 3 + (target is not None):
        return Dropped("format", clean_value(" | ".join(texts)[:200]))
    return _opinion(*(texts if len(texts) == 4 else ["", *texts]))


def _line(line: str) -> Opinion | Dropped:
    cells = line.split("|", 4)
    return _opinion(*cells) if len(cells) == 4 else Dropped("format", clean_value(line[:200]))


def _opinion(target: str, aspect: str, polarity: str, evidence: str) -> Opinion | Dropped:
    if max(map(len, (target, aspect, evidence))) > _LONGEST_VALUE:
        return Dropped("format", clean_value(evidence[:200]))
    target, aspect, evidence = clean_value(target), clean_value(aspect).lower(), clean_value(evidence)
    said = parse_polarity(polarity)
    if said is None:
        return Dropped("polarity", clean_value(polarity[:200]))
    if not aspect or not evidence:
        return Dropped("evidence" if aspect else "aspect", evidence or target)
    return Opinion(
        target=None if target.lower() in _NO_TARGET else target, aspect=aspect, polarity=said, evidence=evidence
    )

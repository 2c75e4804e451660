"""Where a copied piece of text lies in its sentence, and which of the sentence's words it covers."""

import re
from collections.abc import Sequence
from typing import Any

Span = tuple[int, int]
"""Character offsets, end exclusive."""

JOINER = " AND "
"""Joins the parts of a discontinuous span in a text answer."""


def normal(value: object) -> str | None:
    """A field's text; None for what stands for "nothing": null, blank or NULL. A list of parts is joined."""
    if isinstance(value, list):
        value = JOINER.join(str(part) for part in value)
    text = value.strip() if isinstance(value, str) else ""
    return None if text in ("", "NULL", "null", "None") else text


def parts(text: str, sentence: str) -> list[str]:
    """The parts of a possibly discontinuous span: split at AND unless the sentence holds it as written."""
    return [text] if text in sentence else [part for part in text.split(JOINER) if part]


def occurrences(part: str, sentence: str) -> list[Span]:
    """All places of `part`: as whole words where there are such, else anywhere. Empty if there is none."""
    found = [m.span() for m in re.finditer(f"(?={re.escape(part)})", sentence)]
    spans = [(start, start + len(part)) for start, _ in found]
    return [span for span in spans if _whole(span, sentence)] or spans


def _whole(span: Span, sentence: str) -> bool:
    start, end = span
    before = start > 0 and sentence[start - 1].isalnum() and sentence[start].isalnum()
    after = end < len(sentence) and sentence[end].isalnum() and sentence[end - 1].isalnum()
    return not before and not after


def places(entry: dict[str, Any], field: str, sentence: str) -> list[list[Span]] | None:
    """For each part of a field, the places that the answer may mean; None if the text is not there.

    `<field>_offsets` ([[start, end], ...] or ["start:end", ...]) settles the place, and the text must stand there; else
    `<field>_occurrence` (a 1-based number, or one per part) does; with neither, every occurrence stays possible.
    Offsets that cannot be read as numbers are as none.
    """
    text = normal(entry.get(field))
    if text is None:
        return []
    if (offsets := read_offsets(entry.get(f"{field}_offsets"))) is not None:
        return [[span] for span in offsets] if covers(offsets, text, sentence) else None
    candidates = [occurrences(part, sentence) for part in parts(text, sentence)]
    numbers = entry.get(f"{field}_occurrence")
    if numbers is not None:
        numbers = numbers if isinstance(numbers, list) else [numbers] * len(candidates)
        if len(numbers) != len(candidates) or not all(isinstance(n, int) and n >= 1 for n in numbers):
            return None
        candidates = [spans[n - 1 : n] for spans, n in zip(candidates, numbers, strict=True)]
    return candidates if all(candidates) else None


def settled(entry: dict[str, Any], field: str) -> bool:
    """Whether the answer says which place of a field's text it means."""
    return read_offsets(entry.get(f"{field}_offsets")) is not None or entry.get(f"{field}_occurrence") is not None


def covers(spans: Sequence[Span], text: str, sentence: str) -> bool:
    """Whether the spans lie in the sentence and hold the text, its parts in this order."""
    inside = all(0 <= start < end <= len(sentence) for start, end in spans)
    return inside and JOINER.join(sentence[start:end] for start, end in spans) == text


def read_offsets(value: object) -> list[Span] | None:
    """Offsets as pairs of numbers; None if there are none or they cannot be read."""
    if not isinstance(value, list) or not value:
        return None
    spans: list[Span] = []
    for one in value:
        pair = one.split(":") if isinstance(one, str) else one
        try:
            start, end = pair
            spans.append((int(start), int(end)))
        except (OverflowError, TypeError, ValueError):
            return None
    return spans


def words(sentence: str) -> list[Span]:
    """The words between single spaces, as official sentiment-graph scorers count them."""
    spans: list[Span] = []
    start = 0
    for word in sentence.split(" "):
        spans.append((start, start + len(word)))
        start += len(word) + 1
    return spans


def covered(spans: Sequence[Span], sentence: str) -> frozenset[int]:
    """Indices of the words that any of the spans touches."""
    return frozenset(
        n for n, (b, e) in enumerate(words(sentence)) if any(b < end and start < e for start, end in spans)
    )


def official_cover(spans: Sequence[Span], sentence: str) -> frozenset[int]:
    """Indices of words as the papers' scorers find them: from the word that starts where a span does to the word
    that ends where it does. A span that starts inside a word covers nothing; one that ends inside, the whole rest."""
    indices: set[int] = set()
    all_words = words(sentence)
    for start, end in spans:
        first = next((n for n, (b, _) in enumerate(all_words) if b == start), len(all_words))
        last = next((n for n, (_, e) in enumerate(all_words) if e == end and n >= first), len(all_words) - 1)
        indices.update(range(first, last + 1))
    return frozenset(indices)

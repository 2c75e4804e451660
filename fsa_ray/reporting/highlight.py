"""Where the evidence of opinions lies inside a review, as pieces to be marked."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from fsa_ray.schemas.opinion import Opinion, Polarity

SHOWN_CHARACTERS = 1_200
_JOINERS = "\u200d\ufe0e\ufe0f"


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of text. `opinions` are the numbers, from 1, of the opinions whose evidence covers it."""

    text: str
    opinions: tuple[int, ...] = ()
    polarity: Polarity | None = None  # of the first of them
    ends: tuple[int, ...] = ()  # those of them whose evidence ends here


@dataclass(frozen=True, slots=True)
class Excerpt:
    """The beginning of a text, and how many characters are not in it."""

    text: str
    hidden: int = 0


def excerpt(text: str, limit: int = SHOWN_CHARACTERS) -> Excerpt:
    """At most `limit` characters of `text`, never cut inside an emoji or before a combining mark."""
    if len(text) <= limit:
        return Excerpt(text)
    end = limit
    while end > limit - 16 and (text[end] in _JOINERS or text[end - 1] == "\u200d" or unicodedata.combining(text[end])):
        end -= 1
    return Excerpt(text[:end], len(text) - end)


def pieces(text: str, opinions: Sequence[Opinion]) -> list[Piece]:
    """`text` cut wherever some opinion's evidence begins or ends; joined, the pieces give `text` again.

    Evidence is found as it stands, else without regard to case and white space, because answers collapse white
    space. Evidence that does not occur marks nothing.
    """
    spans = [(number, span) for number, opinion in enumerate(opinions, 1) if (span := _find(text, opinion.evidence))]
    cuts = sorted({0, len(text), *(end for _, span in spans for end in span)})
    found = []
    for start, end in pairwise(cuts):
        covering = tuple(number for number, (first, last) in spans if first <= start and end <= last)
        polarity = opinions[covering[0] - 1].polarity if covering else None
        ends = tuple(number for number, (first, last) in spans if first <= start and last == end)
        found.append(Piece(text[start:end], covering, polarity, ends))
    return found


def _find(text: str, evidence: str) -> tuple[int, int] | None:
    # Answers write `|` and line breaks of a value as a space. No word may hold what stands between words: the search
    # would take exponential time.
    words = evidence.replace("|", " ").split()
    if not words or sum(map(len, words)) > len(text):
        return None
    start = text.find(evidence)
    if start >= 0:
        return start, start + len(evidence)
    match = re.search(r"[\s|]+".join(map(re.escape, words)), text, re.IGNORECASE)
    return match.span() if match else None

"""Graded sentiment labels: what "Very Positive", "Mild" or "neutral to slightly negative" mean on one scale."""

import re
from dataclasses import dataclass
from typing import Literal

from fsa_ray.schemas.opinion import Polarity

Degree = Literal["mild", "plain", "strong"]

_POLARITY: dict[str, Polarity] = {
    "positive": "positive", "positively": "positive", "favorable": "positive", "favourable": "positive",
    "negative": "negative", "negatively": "negative", "unfavorable": "negative", "unfavourable": "negative",
    "neutral": "neutral", "neutrally": "neutral", "mixed": "neutral", "balanced": "neutral", "conflict": "neutral",
    "conflicted": "neutral", "conflicting": "neutral", "ambivalent": "neutral", "ambiguous": "neutral",
}  # fmt: skip
_MILD = {
    "mild", "mildly", "slight", "slightly", "somewhat", "moderate", "moderately", "weak", "weakly", "low", "little",
    "bit", "fairly", "partly", "partially", "marginally", "leaning", "lean",
}  # fmt: skip
_STRONG = {
    "very", "strong", "strongly", "high", "highly", "extreme", "extremely", "overwhelming", "overwhelmingly",
    "intense", "intensely", "super", "totally", "absolutely", "exceptionally", "deeply",
}  # fmt: skip
_NOTHING = {
    "none",
    "null",
    "na",
    "unspecified",
    "undetermined",
    "unclear",
    "unknown",
    "undefined",
    "inapplicable",
    "no",
}
_NOT_SAID = {"applicable", "specified", "mentioned", "stated", "clear", "determined", "expressed", "given", "available"}
_FILLING = {
    "sentiment", "sentiments", "opinion", "polarity", "a", "an", "the", "of", "to", "in", "overall", "generally",
    "implicit", "implicitly", "explicit", "explicitly", "context", "and", "or", "but", "tone",
}  # fmt: skip
_WORD = re.compile(r"[a-z]+")
_LONGEST, _MOST_WORDS = 100, 8


@dataclass(frozen=True)
class Graded:
    """A polarity, and how strongly it is felt."""

    polarity: Polarity
    degree: Degree


def normalise_label(label: str) -> Graded | None:
    """The place of a label on the scale; None if it is not a sentiment label (or one that negates: "not positive").

    "Mixed" and labels with both polarities are neutral; neutral together with one polarity is that polarity, mild. A
    label without a polarity ("Mild", "Mild Sentiment") is neutral and mild: teachers that use it list it as the middle
    of their scale, between Positive and Negative, and a polarity that only the reasoning tells is not guessed. That
    there is no sentiment ("None", "Not specified") is neutral too. Never raises.
    """
    if len(label) > _LONGEST:
        return None
    words = _WORD.findall(label.lower().replace("n/a", "na").replace("non-", "not "))
    if not 0 < len(words) <= _MOST_WORDS:
        return None
    said = {_POLARITY[word] for word in words if word in _POLARITY}
    degree = _degree(words)
    if "neither" in words:
        return Graded("neutral", "plain")
    if "not" in words:
        return Graded("neutral", "plain") if not said and _NOT_SAID & set(words) else None
    if not said:
        return _without_polarity(set(words), degree)
    sides = said - {"neutral"}
    if len(sides) == 1:
        return Graded(sides.pop(), "mild" if "neutral" in said else degree)
    return Graded("neutral", degree)


def _degree(words: list[str]) -> Degree:
    if _MILD & set(words):
        return "mild"
    return "strong" if _STRONG & set(words) else "plain"


def _without_polarity(words: set[str], degree: Degree) -> Graded | None:
    # Words of no known meaning make it something else than a label, as in "Very tasty" or "your analysis here".
    if not words <= _MILD | _STRONG | _NOTHING | _NOT_SAID | _FILLING:
        return None
    if degree == "mild":
        return Graded("neutral", "mild")
    return Graded("neutral", "plain") if _NOTHING & words else None

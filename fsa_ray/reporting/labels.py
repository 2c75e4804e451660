"""Names cut to the room that a chart has for them.

Vega's own limit cuts between the two halves of an emoji and fails on them.
"""

import unicodedata
from collections import Counter
from collections.abc import Sequence

from fsa_ray.reporting.highlight import excerpt
from fsa_ray.reporting.visible import visible

_NARROW = frozenset("iljtfrI.,:;'|()[]!- ")
_SUFFIX = 24  # pixels of " (2)"


def fitted(names: Sequence[str], pixels: float) -> list[str]:
    """`names` on one line each, cut with an ellipsis to about `pixels`, and numbered where they became equal."""
    cut = [_cut(" ".join(visible(name).split()), pixels) for name in names]
    times, seen = Counter(cut), Counter[str]()
    unique = []
    for name in cut:
        seen[name] += 1
        unique.append(f"{_cut(name, pixels - _SUFFIX)} ({seen[name]})" if times[name] > 1 else name)
    return unique


def _cut(name: str, pixels: float) -> str:
    room = pixels - 12  # for the ellipsis
    for place, character in enumerate(name):
        room -= _width(character)
        if room < 0:
            return excerpt(name, place).text.rstrip() + "\u2026"
    return name


def _width(character: str) -> float:
    """About the pixels of a character in a common sans serif of 12 px."""
    if unicodedata.combining(character):
        return 0
    if character in _NARROW:
        return 3.7
    if unicodedata.east_asian_width(character) in "WF":
        return 13
    return 8.7 if character.isupper() or character in "mw%@" else 6.7

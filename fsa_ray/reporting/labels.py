"""Names cut to the room that a chart has for them.

Vega's own limit cuts between the two halves of an emoji and fails on them.
"""

import unicodedata
from collections import Counter
from collections.abc import Sequence

from fsa_ray.reporting.highlight import excerpt
from fsa_ray.reporting.visible import visible

_PIXELS = 6.6  # of a common letter at 12 px


def fitted(names: Sequence[str], pixels: float) -> list[str]:
    """`names` on one line each, cut with an ellipsis to about `pixels`, and numbered where they became equal."""
    cut = [_cut(" ".join(visible(name).split()), pixels) for name in names]
    times, seen = Counter(cut), Counter[str]()
    unique = []
    for name in cut:
        seen[name] += 1
        unique.append(f"{_cut(name, pixels - 4 * _PIXELS)} ({seen[name]})" if times[name] > 1 else name)
    return unique


def _cut(name: str, pixels: float) -> str:
    room = pixels / _PIXELS - 1
    for place, character in enumerate(name):
        room -= 0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        if room < 0:
            return excerpt(name, place).text.rstrip() + "\u2026"
    return name

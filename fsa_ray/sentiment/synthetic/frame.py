"""Frames: sentences with slots for targets and brackets around the evidence."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

PART = re.compile(r"\[([^\]]*)\]|\{(\w+)\}")


@dataclass(slots=True)
class Piece:
    """A part of a sentence. `spans` lists what it is: ("target" or "evidence", number of the opinion)."""

    text: str
    spans: tuple[tuple[str, int], ...] = ()


@cache
def _parts(frame: str) -> tuple[tuple[str, str], ...]:
    parts, end = [], 0
    for match in PART.finditer(frame):
        if match.start() > end:
            parts.append(("text", frame[end : match.start()]))
        parts.append(("evidence", match[1]) if match[1] is not None else ("slot", match[2]))
        end = match.end()
    if end < len(frame):
        parts.append(("text", frame[end:]))
    return tuple(parts)


@cache
def slots(frame: str) -> tuple[str, ...]:
    """Names of the frame's slots, those within brackets included, in order."""
    return tuple(re.findall(r"\{(\w+)\}", frame))


def fill(frame: str, values: Mapping[str, str], opinions: Mapping[str, int]) -> list[Piece]:
    """The frame with its slots filled. `opinions` maps a target slot (t, t2) to the number of its opinion; the
    evidence belongs to all of them. A frame that only implies its target gives the number under the empty slot.
    """
    everyone = tuple(("evidence", number) for number in opinions.values())
    pieces = []
    for kind, value in _parts(frame):
        if kind == "evidence":
            pieces.append(Piece(value.format_map(values) if "{" in value else value, everyone))
        elif kind == "slot" and value in opinions:
            pieces.append(Piece(values[value], (("target", opinions[value]),)))
        else:
            pieces.append(Piece(values[value] if kind == "slot" else value))
    return pieces

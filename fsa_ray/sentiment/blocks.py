"""The layout of an interpretation: blocks of an aspect, its sentiment and the reasoning, below an opinion target."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from fsa_ray.sentiment.noise_lines import heads, why_noise

Field = Literal["target", "aspect", "label", "reasoning"]

_HEADING = re.compile(
    r"[ >*_#•-]{0,12}(?:\d{1,3}[.)] ?)?[*_]{0,3}(opinion target|aspect|sentiment|reas[a-z]{0,8})"
    r"(?: ?\([^()]{0,40}\))? ?\d{0,3}[*_]{0,3} ?:[*_]{0,3} ?",
    re.I,
)
_FIELDS: dict[str, Field] = {"o": "target", "a": "aspect", "s": "label", "r": "reasoning"}
_WITHIN = re.compile(r"(?<![^\W_])[*_]{0,3}(?:Aspect|Sentiment|(Reasoning)) ?\d{0,3}[*_]{0,3} ?:")
_GOES_ON = re.compile(
    r"(?:additionally|furthermore|moreover|also|besides|however|although|though|therefore|thus|hence|in addition"
    r"|on the other hand|at the same time|conversely|similarly)\b",
    re.I,
)


class Part(NamedTuple):
    """A line of a block: the field it belongs to, how it was written, and that without the heading."""

    field: Field
    line: str
    value: str


@dataclass
class Block:
    """One block as it was written. `target` is None before the first line that names one; an earlier block of the same
    target has the same object."""

    target: Part | None
    parts: list[Part] = field(default_factory=list)

    def says(self, name: Field) -> str:
        """A field's value; "" if the block lacks it."""
        return " ".join(part.value for part in self.parts if part.field == name and part.value)

    @property
    def whole(self) -> bool:
        return bool(self.says("label") and (self.target or self.says("aspect")))


@dataclass
class Layout:
    """The blocks of a text, whole or not, the lines around them, and how many lines name a target."""

    blocks: list[Block] = field(default_factory=list)
    around: list[str] = field(default_factory=list)
    targets: int = 0

    @property
    def is_interpretation(self) -> bool:
        return self.targets > 0 or any(block.whole for block in self.blocks)


def lay_out(lines: Sequence[str]) -> Layout:
    """Part lines, whose runs of white space are one blank each, into blocks and what stands around them.

    Headings within a line ("Opinion Target 1: ..., Aspect: ...") are as good as on lines of their own. A reasoning goes
    on over lines, and over a blank line where the next paragraph says so by its first word. Never raises.
    """
    reader = _Reader()
    for line in lines:
        for part in apart(line):
            reader.read(part)
    reader.end_target()
    return reader.layout


class _Reader:
    def __init__(self) -> None:
        self.layout = Layout()
        self._target: Part | None = None
        self._block: Block | None = None
        self._reasons = self._gap = False

    def read(self, line: str) -> None:
        if not line:
            self._gap = True
            return
        heading = _HEADING.match(line)
        if heading is None:
            self._go_on(line)
        else:
            self._start(Part(_FIELDS[heading[1][0].lower()], line, line[heading.end() :]))
        self._gap = False

    def end_target(self) -> None:
        """A target of which nothing is said is no part of a block."""
        if self._target is not None and self._block is None:
            self.layout.around.append(self._target.line)

    def _start(self, part: Part) -> None:
        self._reasons = part.field == "reasoning"
        if part.field == "target":
            self.end_target()
            self._target, self._block = part, None
            self.layout.targets += 1
            return
        told = {p.field for p in self._block.parts} if self._block else set()
        if part.field == "reasoning" and (self._block is None or "reasoning" in told):
            self.layout.around.append(part.line)
            self._reasons = False
            return
        if self._block is None or part.field in told or part.field == "aspect":
            self._block = Block(self._target)
            self.layout.blocks.append(self._block)
        self._block.parts.append(part)

    def _go_on(self, line: str) -> None:
        block = self._block
        goes_on = not self._gap or (block is not None and not block.parts[-1].value) or _GOES_ON.match(line)
        if block is not None and self._reasons and goes_on and not heads(line) and why_noise(line) is None:
            block.parts.append(Part("reasoning", line, line))
        else:
            self.layout.around.append(line)
            self._reasons = False


def apart(line: str) -> Iterator[str]:
    """A line's fields as lines of their own. What follows the first reasoning is reasoning."""
    first = _HEADING.match(line)
    start = 0
    if first is not None and first[1][0] not in "rR":
        for found in _WITHIN.finditer(line, first.end()):
            yield line[start : found.start()].rstrip(" ,;|–—-")
            start = found.start()
            if found[1]:
                break
    yield line[start:].rstrip()

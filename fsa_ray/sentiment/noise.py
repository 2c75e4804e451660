"""Teacher's noise taken out of an answer: invented reviews, repeats, confidence, remarks, comments, a cut tail.

Works for prose (rewritings, other free answers) and for the blocks of an interpretation, of which only the blocks
remain. Lines are taken away or shortened at their ends, never changed otherwise: runs of white space become one blank,
and fields that share a line get lines of their own.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from fsa_ray.sentiment.blocks import Block, Part, apart, lay_out
from fsa_ray.sentiment.graded_labels import normalise_label
from fsa_ray.sentiment.grounding import FoldedText
from fsa_ray.sentiment.noise_lines import (
    Reason,
    addresses,
    confidence_before,
    label_end,
    names_another,
    why_noise,
    without_confidence,
)
from fsa_ray.sentiment.sentences import ends_whole, sentence_ends

_LONGEST_SAID = 200
_COMPARED = 40
_MOST_LOOKED_UP = 200
_LEAST_WORDS = 5
_ITEM = re.compile(r"[-*•+–]|\d{1,3}[.)]")


@dataclass(frozen=True)
class Removed:
    """What was taken out, its first 200 characters, and why."""

    reason: Reason
    said: str


@dataclass(frozen=True)
class Cleaned:
    """An answer without noise, "" if nothing else was there."""

    text: str
    removed: tuple[Removed, ...] = ()


class _Review:
    """What the review itself says, so that it is not taken for noise."""

    def __init__(self, text: str) -> None:
        self._text = FoldedText(text).text.strip()
        self._left = _MOST_LOOKED_UP

    def says(self, line: str) -> bool:
        """Whether a line starts with the review's own words. After many lines the answer is no."""
        self._left -= 1
        return bool(line) and self._left >= 0 and FoldedText(line[:_COMPARED]).text.strip() in self._text

    def starts(self, line: str) -> bool:
        """Whether the review starts with what a line says below its heading."""
        said = FoldedText(line.partition(":")[2].strip()[:_COMPARED]).text.strip()
        return bool(said) and self._text.startswith(said)


def clean(text: str, review: str, *, cut: bool = False) -> Cleaned:
    """Take the noise out of a teacher's answer about a review.

    What the review itself says is no noise. An answer that never ends its sentences has no cut tail, unless `cut` says
    that the token budget ended it. Idempotent, linear in the length of the texts, never raises.
    """
    known = _Review(review)
    removed: list[Removed] = []
    lines = [without_confidence(" ".join(line.split())) for line in text.split("\n")]
    lines = [without_confidence(part) for line in _without_head(lines, known, removed) for part in apart(line)]
    end = next((i for i, line in enumerate(lines) if _invents(line, known)), len(lines))
    if end < len(lines):
        removed.append(_removed("invented", lines[end:]))
    layout = lay_out(lines[:end])
    if not layout.is_interpretation:
        return Cleaned(_prose(lines[:end], known, cut, removed), tuple(removed))
    for reason, group in groupby(layout.around, _why_around):
        removed.append(_removed(reason, group))
    return Cleaned(_written(_kept(layout.blocks, removed), cut, removed), tuple(removed))


def _without_head(lines: list[str], known: _Review, removed: list[Removed]) -> list[str]:
    """The lines without labels, echoes of the review and other noise before the answer."""
    for i, line in enumerate(lines):
        start = label_end(line)
        reason = why_noise(line)
        rest = line[start:].strip()
        if (start or reason) and known.says(line):
            return lines[i:]
        if start and known.starts(line):
            removed.append(_removed("repeat", [line]))
        elif reason in ("comment", "confidence", "remark") and not start:
            removed.append(_removed(reason, [line]))
        else:
            if start:
                removed.append(_removed("remark", [line[:start]]))
            if rest:
                return [rest, *lines[i + 1 :]]
    return []


def _invents(line: str, known: _Review) -> bool:
    return names_another(line) and not known.says(line) and not known.starts(line)


def _prose(lines: Sequence[str], known: _Review, cut: bool, removed: list[Removed]) -> str:
    seen: set[str] = set()
    kept: list[str] = []
    # An answer that is itself a list has more lines like its first.
    is_list = next((why_noise(line) == "repeat" for line in lines if line), False)
    for i, line in enumerate(lines):
        reason = why_noise(line) or ("repeat" if names_another(line) else None)
        if reason is not None and ((is_list and reason == "repeat") or known.says(line)):
            reason = None
        if reason in ("comment", "repeat"):
            removed.append(_removed(reason, lines[i:]))
            break
        if reason is None and line.lower() in seen:
            reason = "repeat"
        if reason is not None:
            removed.append(_removed(reason, [line]))
            continue
        kept.append(line)
        if line.count(" ") >= _LEAST_WORDS - 1:
            seen.add(line.lower())
    _end_prose(kept, cut, removed)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(kept).strip())


def _end_prose(kept: list[str], cut: bool, removed: list[Removed]) -> None:
    """Take the unfinished last sentence away, unless no line ends one, or the last line is an item of a list."""
    first_end = next((i for i, line in enumerate(kept) if sentence_ends(line)), len(kept))
    earlier = {line.lower() for line in kept[:-1]}
    while kept:
        line = kept[-1]
        if line and (ends_whole(line) or (not cut and (len(kept) <= first_end or _ITEM.match(line)))):
            return
        short = _shortened(line)
        if line:
            removed.append(_removed("cut", [line[len(short) :]]))
        kept.pop()
        if short and short.lower() not in earlier:
            kept.append(short)
            return


def _kept(blocks: Sequence[Block], removed: list[Removed]) -> list[Block]:
    """The whole blocks, each said once."""
    kept: dict[tuple[str, ...], Block] = {}
    for block in blocks:
        if not block.whole or block.says("aspect") == block.says("label"):
            unfinished = block is blocks[-1] and not block.whole
            removed.append(_removed("cut" if unfinished else "remark", _lines(block)))
            continue
        target = block.target.value if block.target else ""
        key = tuple(value.strip(' *"').lower() for value in (target, block.says("aspect"), block.says("label")))
        former = kept.get(key)
        if former is not None:
            # The same again with its reasons says more than without.
            worse = block if former.says("reasoning") or not block.says("reasoning") else former
            removed.append(_removed("repeat", _lines(worse)))
            if worse is block:
                continue
            del kept[key]
        kept[key] = block
    return list(kept.values())


def _end_blocks(kept: list[Block], cut: bool, removed: list[Removed]) -> None:
    """Take the unfinished last sentence away, and the last block if its label is unfinished."""
    reasons = (part.value for block in kept for part in block.parts if part.field == "reasoning")
    ends = cut or any(sentence_ends(value) for value in reasons)
    while kept:
        last = kept[-1].parts[-1]
        if last.field != "reasoning":
            if _says_polarity(kept[-1].says("label")):
                return
            removed.append(_removed("cut", _lines(kept.pop())))
            continue
        if last.value and (ends_whole(last.value) or not ends):
            return
        short = _shortened(last.value)
        kept[-1].parts.pop()
        if short:
            heading = last.line[: len(last.line) - len(last.value)]
            kept[-1].parts.append(Part("reasoning", heading + short, short))
        if last.value:
            removed.append(_removed("cut", [last.value[len(short) :]]))


def _says_polarity(label: str) -> bool:
    """Whether a label that ends an answer is whole: "Mild" may have been on its way to "Mild Negative"."""
    graded = normalise_label(label)
    return graded is not None and (graded.polarity != "neutral" or graded.degree != "mild")


def _shortened(line: str) -> str:
    """A line up to its last sentence that ends; "" if there is none, or if it is no part of an answer."""
    end = next((end for end in reversed(sentence_ends(line)) if confidence_before(line, end) is None), 0)
    return "" if why_noise(line[:end]) else line[:end]


def _written(blocks: list[Block], cut: bool, removed: list[Removed]) -> str:
    _end_blocks(blocks, cut, removed)
    written: list[str] = []
    target: Part | None = None
    for block in blocks:
        named = [block.target.line] if block.target is not None and block.target is not target else []
        target = block.target
        written.append("\n".join([*named, *(part.line for part in block.parts)]))
    return "\n\n".join(written)


def _lines(block: Block) -> list[str]:
    return [part.line for part in block.parts]


def _why_around(line: str) -> Reason:
    # Of those that name a review, only echoes of the true one are left.
    return why_noise(line) or ("repeat" if names_another(line) else "comment" if addresses(line) else "remark")


def _removed(reason: Reason, lines: Iterable[str]) -> Removed:
    return Removed(reason, " ".join(line for line in lines if line)[:_LONGEST_SAID])

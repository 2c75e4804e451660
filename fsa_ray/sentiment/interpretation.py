"""Interpretations: a teacher's free-text judgements on the aspects of a review, and their canonical text.

The canonical text numbers the targets, and names one only where it changes; blocks are apart by a blank line:

    Opinion Target 1: "pizza"
    Aspect: Taste
    Sentiment: Very Positive
    Reasoning: The reviewer calls it "the best in town".

`-` stands for a target that is only implied. A judgement without reasons has no line for them. A review in which
nothing is judged has the line NOTHING.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from fsa_ray.schemas.opinion import Polarity
from fsa_ray.sentiment.answers import Dropped, clean_value
from fsa_ray.sentiment.blocks import Block, lay_out
from fsa_ray.sentiment.graded_labels import Degree, normalise_label
from fsa_ray.sentiment.grounding import FoldedText

NOTHING = "No opinion."

_QUOTES = '"“”'
_QUOTED = re.compile(r"[\"“”][^\"“”]+[\"“”]")
_IMPLIED = frozenset(
    ("", "-", "n/a", "na", "none", "null", "implied", "implicit", "not specified", "not mentioned", "unspecified")
)
_CITED = re.compile(r"[\"“”]([^\"“”]{3,200})[\"“”]|(?<!\w)['‘]([^'‘’]{3,200})['’](?!\w)")
_MOST_CITED = 8
_LONGEST_NAME = 300
_MARKUP = " *_"
_EDGES = _MARKUP + ".,;"


@dataclass(frozen=True)
class Judgement:
    """One block: what is judged (None where implied), which aspect, the label as written and what it means, and why.

    `polarity` and `degree` are None for a label outside the scale. `reasoning` may be "".
    """

    target: str | None
    aspect: str
    label: str
    polarity: Polarity | None = None
    degree: Degree | None = None
    reasoning: str = ""


@dataclass(frozen=True)
class Interpretation:
    """The judgements of an answer in their order, and the blocks that are none. Words: aspect, label, format."""

    judgements: tuple[Judgement, ...] = ()
    dropped: tuple[Dropped, ...] = ()


def read_interpretation(text: str) -> Interpretation:
    """Read an interpretation. What stands around its blocks is not read, nor is a gloss on a quoted target: see
    `noise.clean` for what to take out first. Never raises."""
    layout = lay_out([clean_value(line) for line in text.split("\n")])
    read = [_judgement(block) for block in layout.blocks]
    return Interpretation(
        tuple(part for part in read if isinstance(part, Judgement)),
        tuple(part for part in read if isinstance(part, Dropped)),
    )


def render_interpretation(judgements: Sequence[Judgement]) -> str:
    """The canonical text: what students are taught. Judgements that were read are read back from it unchanged."""
    blocks = []
    number, former = 0, object()
    for said in judgements:
        lines = [f"Aspect: {clean_value(said.aspect)}", f"Sentiment: {clean_value(said.label)}"]
        if said.target != former:
            number, former = number + 1, said.target
            target = "-" if said.target is None else f'"{clean_value(said.target)}"'
            lines.insert(0, f"Opinion Target {number}: {target}")
        if said.reasoning:
            lines.append(f"Reasoning: {clean_value(said.reasoning)}")
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) or NOTHING


def says_nothing(text: str) -> bool:
    """Whether an interpretation says that nothing is judged."""
    return text.strip().rstrip(".").lower() == NOTHING.rstrip(".").lower()


def is_grounded(said: Judgement, review: FoldedText) -> bool:
    """Whether a judgement is about this review: its target is in the review's words, or its reasoning cites some.

    Teachers name many targets in words of their own, and give many reasons without a citation.
    """
    if said.target is not None and review.find(said.target) is not None:
        return True
    cited = islice(_CITED.finditer(said.reasoning), _MOST_CITED)
    return any(review.find((found[1] or found[2]).strip(" .,;!?")) is not None for found in cited)


def _judgement(block: Block) -> Judgement | Dropped:
    aspect, label = _name(block.says("aspect")), _name(block.says("label"))
    said = " / ".join(part.line for part in block.parts)[:200]
    if not aspect or not label:
        return Dropped("label" if aspect else "aspect", said)
    target = None if block.target is None else _target(block.target.value)
    if max(len(aspect), len(label), len(target or "")) > _LONGEST_NAME:
        return Dropped("format", said)
    graded = normalise_label(label)
    return Judgement(
        target,
        aspect,
        label,
        graded.polarity if graded else None,
        graded.degree if graded else None,
        block.says("reasoning").strip(_MARKUP),
    )


def _name(value: str) -> str:
    value = value.strip(_EDGES)
    quoted = value[:1] in _QUOTES and value[-1:] in _QUOTES
    return value.strip(_EDGES + _QUOTES) if quoted else value


def _target(value: str) -> str | None:
    """The target's words: without quotes, and without what follows quoted words after a comma or in brackets."""
    value = value.strip(_MARKUP)
    end = _end_of_quoted(value)
    if end:
        if value[end:].lstrip()[:1] in ("", ",", "(", "."):
            value = value[:end]
    elif value[-1:] in (")", "]") and value[0] in "([":
        # "[Product]" is a gap that nobody filled.
        value = "" if value[0] == "[" else value[1:-1]
    else:
        value = value.partition(" (")[0]
    value = " ".join(value.translate(dict.fromkeys(map(ord, _QUOTES))).split()).strip(_MARKUP)
    return None if value.lower() in _IMPLIED else value


def _end_of_quoted(value: str) -> int:
    """Where the quoted words end with which a value starts, as in `"tea" and "cake", which ...`; 0 if with none."""
    end = 0
    for found in _QUOTED.finditer(value):
        if value[end : found.start()].strip(" ,/&") not in ("", "and", "or"):
            break
        end = found.end()
    return end

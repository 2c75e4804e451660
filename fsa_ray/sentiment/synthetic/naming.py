"""How gold answers in plain text name things."""

from collections.abc import Sequence

from fsa_ray.schemas.opinion import Opinion
from fsa_ray.sentiment.answers import clean_value

WHOLE = "general"
"""The aspect of a judgement of the whole."""


def thing(opinion: Opinion) -> str:
    """What an opinion is about: its target, else the side of the thing that it touches, else the whole."""
    if opinion.target is None and opinion.aspect == WHOLE:
        return "the whole"
    return f"the {clean_value(opinion.target or opinion.aspect)}"


def quoted(words: str) -> str:
    """Words of the review between double quotation marks, on one line and with no such mark inside."""
    inside = clean_value(words.replace('"', "'"))
    return f'"{inside}"'


def listed(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`; an empty text where there are none."""
    return " and ".join(part for part in (", ".join(names[:-1]), *names[-1:]) if part)

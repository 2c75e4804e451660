"""Tasks that need two texts, which no review can be put to: they are told by their words."""

import re
from collections.abc import Iterable

# A text as a whole; sentences and statements are also parts of one.
_ONE = r"(?:text|review|passage|document|comment|post|tweet|message|article|snippet|input)"
_MANY = r"(?:texts|reviews|passages|documents|comments|posts|tweets|messages|articles|snippets|inputs)"
_NUMBERED = rf"(?:{_ONE}|sentence|statement|paragraph|plot|story)"

_NEEDS_TWO = re.compile(
    rf"\b(?:two|2|both|several|multiple)\s+(?:\w+\s+){{0,2}}{_MANY}\b"
    rf"|\b(?:pairs?|couple|set|collection)\s+of\s+(?:\w+\s+){{0,2}}(?:{_MANY}|sentences|statements)\b"
    rf"|\b(?:between|among|across)\s+(?:the\s+|these\s+|different\s+|given\s+)*{_MANY}\b"
    rf"|\bwhich\s+(?:one\s+)?of\s+(?:the|these)\s+{_MANY}\b"
    rf"|\b(?:second|another|the\s+other)\s+{_ONE}\b"
    rf"|\bcompar\w+\s+(?:the\s+|these\s+|given\s+)*{_MANY}\b",
    re.IGNORECASE,
)
_FIRST = re.compile(rf"\b({_NUMBERED})\s*[#_]?\(?(1|a|one|i)\)?(?![\w'’])", re.IGNORECASE)
_SECOND = re.compile(rf"\b({_NUMBERED})\s*[#_]?\(?(2|b|two|ii)\)?(?![\w'’])", re.IGNORECASE)
_HEADING = re.compile(
    rf"(?:^|[\n.;|][ \t]{{0,3}}){_NUMBERED}\s*[#_]?(?:1|2|a|b|one|two|i|ii)\s*[:.)\]=]", re.IGNORECASE
)
_LONGEST = 4000
_NUMBERS = {"2": "1", "b": "a", "two": "one", "ii": "i"}


def needs_two_texts(description: str, inputs: Iterable[str] = ()) -> str:
    """The words by which a task is about more than one text; empty if it is about one.

    A description is told by words like "two reviews", "text 1 and text 2" or "which of the reviews"; an input only by
    headings like "Text A:" or by parts that are numbered both one and two, since a review may speak of other reviews.
    """
    text = description[:_LONGEST]
    found = _NEEDS_TWO.search(text)
    return found[0] if found else next(filter(None, map(_numbered, (text, *(i[:_LONGEST] for i in inputs)))), "")


def _numbered(text: str) -> str:
    heading = _HEADING.search(text)
    if heading:
        return heading[0].strip()
    first = {(found[1].lower(), found[2].lower()) for found in _FIRST.finditer(text)}
    for second in _SECOND.finditer(text):
        if (second[1].lower(), _NUMBERS[second[2].lower()]) in first:
            return second[0]
    return ""

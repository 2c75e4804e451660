"""Sentiment attributes that a teacher finds in a text: from its answer to attributes, and to names that are counted.

List form: items with a number and a bold heading, each with its Attribute Description and its Attribute Value on the
heading's line or below it; the value may also stand in the heading (`**Tone: Contrarian**`). JSON form:
{"attributes": [{"name": ..., "description": ..., "value": ...}]}. Whatever the text, reading it returns a list.
Source: CompEffDist, attribute enumeration.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from fsa_ray.sentiment.answers import clean_value

_LONGEST_NAME = 200
_LISTS_TRIED = 16
_NUMBER = r"\d{1,4}[.)][ \t]*"
_ITEM = re.compile(rf"^[ \t>#-]*(?:{_NUMBER}\*\*|\*\*{_NUMBER})([^*\n]{{1,{_LONGEST_NAME}}})\*\*", re.MULTILINE)
_LABEL = re.compile(
    r"\battribute[ \t]{1,4}(description|value)s?[ \t*]{0,4}(?:[-:–—]|$)[ \t*]{0,4}", re.IGNORECASE | re.MULTILINE
)
_PREFIX = re.compile(r"^attribute(?: ?\d+)? ?: ?", re.IGNORECASE)
_ENTRIES = re.compile(r'"attributes"\s{0,100}:\s{0,100}\[')
_BETWEEN = re.compile(r"[\s,]*")
_USE_OF = re.compile(r"^.*\buse of(?: |$)")


@dataclass(frozen=True)
class Attribute:
    """One mention: `name` in lower case as the teacher gave it, what it means, and its value for the text."""

    name: str
    description: str
    value: str


def parse_attributes(answer: str) -> list[Attribute]:
    """The attributes of an answer in either form, in its order. Never raises.

    Only whole attributes count: one that was cut off before its value is left out, and so is an entry without one of
    its parts. A description or a value ends with its line, so the teacher's closing remark is no part of the last.
    """
    return _from_json(answer) or _from_list(answer)


def normalise(name: str) -> tuple[str, ...]:
    """The attributes that a name stands for, maybe none: each rule is applied to what the one before it left.

    What follows a colon goes, slashes separate several attributes, and of "use of slang" only "slang" stays. Parts are
    in lower case with single blanks; none is empty or given twice. The released code applies only the first rule that
    fits, and does not trim.
    """
    before_colon = name.lower().partition(":")[0]
    parts = (_USE_OF.sub("", " ".join(part.split())) for part in before_colon.split("/"))
    return tuple(dict.fromkeys(part for part in parts if part))


def _from_json(answer: str) -> list[Attribute]:
    """Of the first list of attributes that has a whole entry. Entries are read singly, since the list may be cut."""
    for opening in islice(_ENTRIES.finditer(answer), _LISTS_TRIED):
        found = [_attribute(*entry) for entry in _entries(answer, opening.end())]
        if any(found):
            return [attribute for attribute in found if attribute]
    return []


def _entries(answer: str, position: int) -> Iterator[tuple[Any, Any, Any]]:
    decoder = json.JSONDecoder()
    while True:
        gap = _BETWEEN.match(answer, position)
        assert gap is not None
        try:
            entry, position = decoder.raw_decode(answer, gap.end())
        except (ValueError, RecursionError):
            return
        if isinstance(entry, dict):
            yield entry.get("name"), entry.get("description"), entry.get("value")


def _from_list(answer: str) -> list[Attribute]:
    items = [_attribute(*_item(heading[1], body)) for heading, body in _sections(_ITEM, answer.replace("\r\n", "\n"))]
    return [attribute for attribute in items if attribute]


def _item(heading: str, body: str) -> tuple[str, str, str]:
    said: dict[str, str] = {}
    for label, text in _sections(_LABEL, body):
        line = text.lstrip(" \t").removeprefix("\n").partition("\n")[0]
        said.setdefault(label[1].lower(), line.strip(" \t*").removeprefix("- ").rstrip(" \t*|;-–—"))
    name = _PREFIX.sub("", heading.strip())
    return name, said.get("description", ""), said.get("value", name.partition(":")[2])


def _sections(start: re.Pattern[str], text: str) -> Iterator[tuple[re.Match[str], str]]:
    """Where `start` is found, with the text from there to the next."""
    found = list(start.finditer(text))
    ends = [*(following.start() for following in found[1:]), len(text)]
    return ((one, text[one.end() : end]) for one, end in zip(found, ends, strict=False))


def _attribute(name: Any, description: Any, value: Any) -> Attribute | None:
    if not (isinstance(name, str) and isinstance(description, str) and isinstance(value, str)):
        return None
    bare = _PREFIX.sub("", clean_value(name)).strip(" :").lower()
    whole = Attribute(bare, clean_value(description), clean_value(value))
    return whole if 0 < len(bare) <= _LONGEST_NAME and whole.description and whole.value else None

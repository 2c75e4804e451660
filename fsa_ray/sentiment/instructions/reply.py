"""A teacher's reply to a request for instructions: the JSON in it, and what reading it came to."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from fsa_ray.sentiment.answers import Dropped, clean_value

T = TypeVar("T")

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]|[\ud800-\udfff]")
_BRACKET = re.compile(r"[{\[]")
_STARTS_TRIED = 16
_LONGEST_DETAIL = 200


@dataclass(frozen=True)
class Reading(Generic[T]):
    """What was read. `reason` is None, or the word for why nothing of the reply can be used.

    `detail` is for the reader; `dropped` are the single parts that were refused, each with a reason.
    """

    values: tuple[T, ...] = ()
    dropped: tuple[Dropped, ...] = ()
    reason: str | None = None
    detail: str = ""

    @property
    def fault(self) -> str | None:
        """Reason and detail in one line; None if something was read."""
        return None if self.reason is None else f"{self.reason}: {self.detail}".removesuffix(": ")


def find_entries(reply: str, key: str, finish_reason: str | None = None) -> list[Any] | Reading[Any]:
    """The list under `key` of the JSON object in a reply; the object may stand in a code fence or in prose.

    A list alone counts as the list under the key. Reasons: see `find_object`; schema (no such list).
    """
    found = find_object(reply, key, finish_reason)
    if isinstance(found, dict):
        entries = found[key]
    elif found.reason == "unreadable":
        entries = next((value for value in _values(reply) if isinstance(value, list)), None)
        if entries is None:
            return found
    else:
        return found
    return entries if isinstance(entries, list) else refused("schema", f"{key} is no list")


def find_object(reply: str, key: str, finish_reason: str | None = None) -> dict[str, Any] | Reading[Any]:
    """The JSON object with `key` in a reply, also in a code fence or in prose.

    Reasons: empty, cut (the token budget ended the reply), unreadable.
    """
    if not reply.strip():
        return refused("empty", "")
    if finish_reason == "length":
        return refused("cut", "the reply reached the token limit")
    objects = (value for value in _values(reply) if isinstance(value, dict) and key in value)
    return next(objects, None) or refused("unreadable", reply)


def refused(reason: str, detail: str, dropped: tuple[Dropped, ...] = ()) -> Reading[Any]:
    return Reading(dropped=dropped, reason=reason, detail=clean_value(detail[:_LONGEST_DETAIL]))


def text_of(entry: Any, key: str) -> str:
    """The string under `key` of a JSON object on one line; empty if there is none."""
    value = entry.get(key) if isinstance(entry, dict) else None
    return clean_value(value) if isinstance(value, str) else ""


def _values(reply: str) -> Iterator[Any]:
    """The JSON objects and lists in a text, looked for at its first brackets only."""
    decoder = json.JSONDecoder()
    start = 0
    for _ in range(_STARTS_TRIED):
        found = _BRACKET.search(reply, start)
        if found is None:
            return
        try:
            value, start = decoder.raw_decode(reply, found.start())
        except (ValueError, RecursionError):
            start = found.end()
        else:
            yield _encodable(value) if _SURROGATE.search(reply) else value


def _encodable(value: Any) -> Any:
    """JSON can name half a surrogate pair, which no file can hold: it is left out, as `clean_value` does."""
    return json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "ignore"))

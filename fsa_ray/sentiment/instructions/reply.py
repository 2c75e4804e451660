"""A teacher's reply to a request for instructions: the JSON in it, and what reading it came to."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from fsa_ray.sentiment.answers import Dropped, clean_value

T = TypeVar("T")

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


def find_entries(reply: str, key: str, finish_reason: str | None = None) -> list[Any] | Reading[Any]:
    """The list under `key` of the JSON object in a reply; the object may stand in a code fence or in prose.

    A list alone counts as the list under the key. Reasons: see `find_object`; schema (no such list).
    """
    found = _find(reply, finish_reason, lambda value: isinstance(value, list) or _has(value, key))
    if isinstance(found, Reading):
        return found
    entries = found[key] if isinstance(found, dict) else found
    return entries if isinstance(entries, list) else refused("schema", f"{key} is no list")


def find_object(reply: str, key: str, finish_reason: str | None = None) -> dict[str, Any] | Reading[Any]:
    """The JSON object with `key` in a reply, also in a code fence or in prose.

    Reasons: empty, cut (the token budget ended the reply), unreadable.
    """
    found: dict[str, Any] | Reading[Any] = _find(reply, finish_reason, lambda value: _has(value, key))
    return found


def refused(reason: str, detail: str, dropped: tuple[Dropped, ...] = ()) -> Reading[Any]:
    return Reading(dropped=dropped, reason=reason, detail=clean_value(detail[:_LONGEST_DETAIL]))


def text_of(entry: Any, key: str) -> str:
    """The string under `key` of a JSON object on one line; empty if there is none."""
    value = entry.get(key) if isinstance(entry, dict) else None
    return clean_value(value) if isinstance(value, str) else ""


def _has(value: Any, key: str) -> bool:
    return isinstance(value, dict) and key in value


def _find(reply: str, finish_reason: str | None, wanted: Callable[[Any], bool]) -> Any:
    if not reply.strip():
        return refused("empty", "")
    if finish_reason == "length":
        return refused("cut", "the reply reached the token limit")
    decoder = json.JSONDecoder()
    start, tried = 0, 0
    while tried < _STARTS_TRIED:
        start = min((at for at in (reply.find("{", start), reply.find("[", start)) if at >= 0), default=-1)
        if start < 0:
            break
        tried += 1
        try:
            value, end = decoder.raw_decode(reply, start)
        except (ValueError, RecursionError):
            start += 1
            continue
        if wanted(value):
            return value
        start = end
    return refused("unreadable", reply)

"""One test item, and reading the files that hold them."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

Record = Mapping[str, Any]
Entry = dict[str, Any]
"""One extracted opinion: field name -> text or None, and optionally `<field>_offsets`, `<field>_occurrence`."""

Prediction = str | list[Entry] | None
"""A label, or a list of entries; None is an answer that could not be read."""


@dataclass(frozen=True)
class Item:
    """One sentence or document with its gold answer.

    `id` is the data's own id where it has one, else the 0-based `position` in the file, as a string.
    `extra` holds what only some tasks have: the stance target, the views of a merged test.
    """

    id: str
    position: int
    text: str
    gold: str | list[Entry]
    extra: Mapping[str, str] = field(default_factory=dict)


def folded(text: str) -> str:
    """A label's one spelling: without regard to case, outer blanks and how many blanks stand between words."""
    return " ".join(text.split()).casefold()


def read_records(path: Path) -> list[Record]:
    """The records of one JSON list, with or without a byte order mark. Raises ValueError naming file and record."""
    if not path.is_file():
        present = sorted(other.name for other in path.parent.glob("*.json"))
        have = f"its folder holds {', '.join(present)}" if present else "its folder is absent or empty"
        raise ValueError(f"{path}: no such file ({have}); pass the benchmark's root, or put the split there")
    try:
        records = json.loads(path.read_text(encoding="utf-8-sig"))
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"{path}: broken or truncated JSON ({error}); fetch the file again") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: not UTF-8 ({error}); convert it or fetch it again") from error
    if not isinstance(records, list) or not records:
        raise ValueError(f"{path}: expected a JSON list with at least one object")
    for position, record in enumerate(records):
        if not isinstance(record, dict) or not isinstance(record.get("sentence"), str):
            raise ValueError(f"{path}: item {position}: expected an object with a text field `sentence`")
    return records


def identify(records: list[Record], id_field: str | None) -> Iterator[str]:
    """One unique id per record: its own, `own#2` for the second bearer of that id, else its position."""
    seen: set[str] = set()
    for position, record in enumerate(records):
        own = str(record.get(id_field, position)) if id_field else str(position)
        numbered = (f"{own}#{n}" for n in count(2))
        identity = own if own not in seen else next(one for one in numbered if one not in seen)
        seen.add(identity)
        yield identity

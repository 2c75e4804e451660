"""A spec as a document, before it is validated: nested mappings with places such as `select.rate`."""

from typing import Any


def place(document: dict[str, Any], key: str, value: Any) -> None:
    """Set `a.b` of a document, making sections on the way. Raises ValueError if `a` holds a value."""
    *parents, last = key.split(".")
    section = document
    for parent in parents:
        if section.get(parent) is None:
            section[parent] = {}
        section = section[parent]
        if not isinstance(section, dict):
            raise ValueError(f"{key}: {parent!r} holds a value, not a section")
    section[last] = value

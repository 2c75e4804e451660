"""What the parts of a spec are made of: strict sections, places, and lists without repeats."""

import os
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict


def _expanded(path: str) -> str:
    """`${NAME}` and `~` in a path stand for the environment variable and the home directory."""
    expanded = os.path.expandvars(os.path.expanduser(path))  # noqa: PTH111 - a URL is no Path
    if "${" in expanded:
        raise ValueError(f"{path!r} names an environment variable that is not set")
    return expanded


Location = Annotated[str, AfterValidator(_expanded)]
"""Where outside data lie: a path or URL."""


def _distinct(values: tuple[Any, ...]) -> tuple[Any, ...]:
    twice = next((value for value in values if values.count(value) > 1), None)
    if twice is not None:
        raise ValueError(f"{twice} is listed twice; the second would be asked and paid for again")
    return values


Once = AfterValidator(_distinct)
"""A list in which nothing stands twice: ids are made from what stands there."""

Distinct = Annotated[tuple[str, ...], Once]


class Section(BaseModel):
    """Base of every part of a spec: unknown keys are refused, values never change."""

    model_config = ConfigDict(frozen=True, extra="forbid")

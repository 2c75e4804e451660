"""Validation errors in the words of the person who wrote the file."""

import difflib
from collections.abc import Collection, Iterable
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError


def explain(error: ValidationError, model: type[BaseModel], source: str) -> str:
    """One line per problem: where it is, what is wrong, and for an unknown key the nearest known one.

    What was given is shown, unless the part of the spec says `hide_input_in_errors`.
    """
    lines = []
    for problem in error.errors():
        location = ".".join(str(part) for part in problem["loc"]) or "the whole document"
        if problem["type"] == "extra_forbidden":
            known = [name for found in _models_at(model, problem["loc"][:-1]) for name in found.model_fields]
            lines.append(f"{source}: unknown key {location!r}; {suggest(str(problem['loc'][-1]), sorted(known))}")
        else:
            given, places = problem["input"], _models_at(model, problem["loc"])
            hidden = any(found.model_config.get("hide_input_in_errors") for found in places)
            plain = isinstance(given, str | int | float | bool | None)
            shown = f" (given: {given!r})" if plain and not hidden else ""
            lines.append(f"{source}: {location}: {problem['msg']}{shown}")
    return "\n".join(lines)


def suggest(given: str, known: Collection[str]) -> str:
    """A hint for a name that is not known."""
    close = difflib.get_close_matches(given, known, n=1)
    return f"did you mean {close[0]!r}?" if close else f"there are: {', '.join(known)}"


def _models_at(model: type[BaseModel], location: Iterable[int | str]) -> list[type[BaseModel]]:
    """The models that may stand at `location` below `model`, or that have the value there as a field; a part that is
    not a field (an index, a union tag) is skipped."""
    models = [model]
    for part in location:
        annotations = [found.model_fields[part].annotation for found in models if part in found.model_fields]
        models = [found for annotation in annotations for found in _models(annotation)] or models
    return models


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if get_origin(annotation) in (Union, UnionType, Annotated, tuple, list, dict):
        return [found for argument in get_args(annotation) for found in _models(argument)]
    return []

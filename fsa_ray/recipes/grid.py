"""The section `grid` of a spec: axes along which it varies, and the cells that they span."""

import copy
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator

from fsa_ray.recipes.document import place

FIXED = ("name", "recipe", "grid", "budget")
"""What belongs to the run as a whole."""

Settings = dict[str, Any]
"""Key of the spec, as in `select.rate`, to its value."""


def _axes(given: Any) -> dict[str, dict[str, Settings]]:
    """Each axis in its long form. Raises ValueError."""
    if not isinstance(given, Mapping) or not given:
        raise ValueError("expected axes, such as `select.rate: [0.1, 1.0]`")
    axes = {str(axis): _choices(str(axis), choices) for axis, choices in given.items()}
    owner: dict[str, str] = {}
    for axis, choices in axes.items():
        for key in dict.fromkeys(key for settings in choices.values() for key in settings):
            if key.partition(".")[0] in FIXED:
                raise ValueError(f"{axis}: {key} belongs to the whole run and cannot vary")
            for taken, other in owner.items():
                if other != axis and (f"{key}.".startswith(f"{taken}.") or taken.startswith(f"{key}.")):
                    raise ValueError(f"{axis}: {key} varies along {other} already")
            owner[key] = axis
    return axes


Grid = Annotated[dict[str, dict[str, Settings]], BeforeValidator(_axes)]
"""Axis to what may be chosen on it: name to settings. In a spec, an axis that is a key may list its values."""


@dataclass(frozen=True)
class Variant:
    """The spec document of one cell."""

    choices: dict[str, str]
    document: dict[str, Any]

    @property
    def title(self) -> str:
        return ", ".join(f"{axis} {name}" for axis, name in self.choices.items())


def variants(document: dict[str, Any], grid: Grid) -> Iterator[Variant]:
    """Every combination, the last axis changing fastest. Raises ValueError if a setting's key leads through a value."""
    for combination in itertools.product(*(choices.items() for choices in grid.values())):
        found = Variant(
            choices={axis: name for axis, (name, _) in zip(grid, combination, strict=True)},
            document=copy.deepcopy({key: value for key, value in document.items() if key != "grid"}),
        )
        for _, settings in combination:
            for key, value in settings.items():
                place(found.document, key, copy.deepcopy(value))
        yield found


def _choices(axis: str, given: Any) -> dict[str, Settings]:
    if isinstance(given, list | tuple):
        return _listed(axis, given)
    if not isinstance(given, Mapping) or not given:
        raise ValueError(f"{axis}: expected a list of values, or a mapping from names to settings")
    for name, settings in given.items():
        if not isinstance(settings, Mapping) or not settings:
            raise ValueError(f"{axis}.{name}: expected settings, such as {{select.mode: random}}")
        if not str(name).strip():
            raise ValueError(f"{axis}: a choice has no name")
    return {str(name): {str(key): value for key, value in settings.items()} for name, settings in given.items()}


def _listed(axis: str, values: list[Any] | tuple[Any, ...]) -> dict[str, Settings]:
    """A list of values of the key that the axis is called after."""
    if not values or not all(isinstance(value, str | int | float) and value != "" for value in values):
        raise ValueError(f"{axis}: list numbers or words; give other values names, as in `{axis}: {{small: {{…}}}}`")
    names = [str(value) for value in values]
    if len(set(names)) < len(names):
        raise ValueError(f"{axis}: a value is listed twice")
    return {name: {axis: value} for name, value in zip(names, values, strict=True)}

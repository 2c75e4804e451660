"""The keys of a spec or a placement, as their models know them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, get_args

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo


@dataclass(frozen=True)
class Key:
    """One that may be given. `default` is as YAML would have it; None where it must be given, or is a section."""

    path: str
    default: str | None
    about: str
    section: bool = False


def keys_of(model: type[BaseModel], before: str = "") -> Iterator[Key]:
    """In the order of the model, a section before its keys, told by its model where nothing else describes it."""
    for name, field in model.model_fields.items():
        path, section = before + name, section_of(field.annotation)
        if section is None:
            yield Key(path, _default(field), field.description or "")
        else:
            yield from keys_of_section(path, section, field.description)


def keys_of_section(path: str, section: type[BaseModel], about: str | None = None) -> Iterator[Key]:
    """The section itself, told by its model unless by `about`, and its keys."""
    yield Key(path, None, about or first_line(section), section=True)
    yield from keys_of(section, f"{path}.")


def first_line(model: type[BaseModel]) -> str:
    """What a model says of itself."""
    return (model.__doc__ or "").partition("\n")[0]


def section_of(annotation: Any) -> type[BaseModel] | None:
    """The model of a field that is a section, if it is one."""
    candidates = (annotation, *get_args(annotation))
    return next((one for one in candidates if isinstance(one, type) and issubclass(one, BaseModel)), None)


def _default(field: FieldInfo) -> str | None:
    if isinstance(field.json_schema_extra, dict) and "usual" in field.json_schema_extra:
        return str(field.json_schema_extra["usual"])  # given by a validator, so that a fingerprint has it
    if field.is_required():
        return None
    value = field.get_default(call_default_factory=True, validated_data={})
    given = list(value) if isinstance(value, tuple) else value
    return yaml.safe_dump(given, default_flow_style=True, width=1000).removesuffix("\n").removesuffix("\n...")

"""The identity of a stage: a digest of everything that changes its result, and of nothing else.

The fields of a stage are walked by hand, since `model_dump` drops the fields of a subclass behind a base-typed field
and the tags of unions. What cannot be encoded exactly is refused.
"""

import hashlib
import json
import math
from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

if TYPE_CHECKING:
    from fsa_ray.core.stage import Stage

SCHEME = 1


def fingerprint(stage: "Stage[Any]") -> str:
    """64 hexadecimal digits: sha256 over canonical JSON of scheme, name, version, parameters that differ from their
    default, and the fingerprints of the input stages. Raises TypeError for a field that has no exact encoding."""
    document = {
        "scheme": SCHEME,
        "stage": stage.name,
        "version": stage.version,
        "fields": fields_of(stage, skip_defaults=True),
    }
    return hashlib.sha256(canonical(document)).hexdigest()


def canonical(document: Any) -> bytes:
    """JSON with sorted keys and no white space: equal values give equal bytes."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8")


def fields_of(model: BaseModel, *, skip_defaults: bool) -> dict[str, Any]:
    """Field name to encoded value; a stage becomes {"stage": name, "fingerprint": ...}.

    A field marked `exclude` says where outside data lies, not what it is, and is no part of the identity.
    """
    encoded = {}
    for name, field in type(model).model_fields.items():
        if field.exclude:
            continue
        where = f"{type(model).__name__}.{name}"
        code = _encode_field(getattr(model, name), field, where, skip_defaults=skip_defaults)
        if not (skip_defaults and _is_default(code, field, where)):
            encoded[name] = code
    return encoded


def _is_default(code: Any, field: FieldInfo, where: str) -> bool:
    default = field.get_default(call_default_factory=True, validated_data={})
    if default is PydanticUndefined:
        return False
    return canonical(code) == canonical(_encode_field(default, field, where, skip_defaults=True))  # 1 is not True here


def _encode_field(value: Any, field: FieldInfo, where: str, *, skip_defaults: bool) -> Any:
    if type(value) is int and float in _types(field.annotation) and int not in _types(field.annotation):
        value = float(value)  # pydantic does not convert defaults: `rate: float = 1` holds an int
    return encode(value, where=where, skip_defaults=skip_defaults)


def _types(annotation: Any) -> tuple[Any, ...]:
    return (annotation, *get_args(annotation))


def encode(value: Any, *, where: str, skip_defaults: bool) -> Any:
    """`value` as JSON data, exactly. Raises TypeError, naming `where`, for what has no exact form."""
    from fsa_ray.core.stage import Stage  # the two modules define each other

    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise TypeError(f"{where}: {value} cannot be part of a stage's identity; use a finite number")
        return {"float": value.hex()}
    if isinstance(value, Stage):
        return {"stage": value.name, "fingerprint": value.fingerprint}
    if isinstance(value, BaseModel):
        if value.model_extra:
            raise TypeError(f"{where}: {type(value).__name__} holds undeclared fields: {', '.join(value.model_extra)}")
        return {"model": type(value).__name__, "fields": fields_of(value, skip_defaults=skip_defaults)}
    if isinstance(value, tuple):
        return [
            encode(item, where=f"{where}[{index}]", skip_defaults=skip_defaults) for index, item in enumerate(value)
        ]
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {
            "dict": {
                key: encode(item, where=f"{where}.{key}", skip_defaults=skip_defaults) for key, item in value.items()
            }
        }
    raise TypeError(f"{where}: a {type(value).__name__} has no exact encoding; use numbers, text, tuples or models")

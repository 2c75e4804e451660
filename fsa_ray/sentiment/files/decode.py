"""Bytes to text, a column at a time."""

import pyarrow as pa
import pyarrow.compute as pc

from fsa_ray.sentiment.files.batch import Reject, shown


def utf8_rows(lines: pa.Array, raw: pa.Array) -> tuple[pa.Array, list[Reject]]:
    """(mask of the values that are UTF-8 or null, a reject for each other one); `raw` is binary, `lines` its lines."""
    bad = pc.and_(pc.is_null(decoded(raw)), pc.is_valid(raw))
    pairs = zip(lines.filter(bad).to_pylist(), raw.filter(bad).to_pylist(), strict=True)
    return pc.invert(bad), [Reject(line, "encoding", "not UTF-8", shown(value)) for line, value in pairs]


def decoded(raw: pa.Array) -> pa.Array:
    """Binary to string; null where it is not UTF-8."""
    try:
        return raw.cast(pa.string())
    except pa.ArrowInvalid:
        return pa.array([_text(value) for value in raw.to_pylist()], pa.string())


def _text(value: bytes | None) -> str | None:
    try:
        return None if value is None else value.decode("utf-8")
    except UnicodeDecodeError:
        return None

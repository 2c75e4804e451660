"""What a reader gives: rows and refused rows, as Arrow tables that account for every line."""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

ROWS = pa.schema([("source_id", pa.string()), ("domain", pa.string()), ("text", pa.string()), ("line", pa.int64())])
REJECTS = pa.schema(
    [
        ("source_id", pa.string()),  # the user's id where it could be read, else file:line
        ("place", pa.string()),  # file:line
        ("reason", pa.string()),  # broken, encoding, missing, type
        ("detail", pa.string()),
        ("text", pa.string()),  # what could be read of the line, shortened
        ("line", pa.int64()),
    ]
)
SHOWN = 2000  # characters of a refused line that are kept
USUAL_NAMES = ("review", "sentence", "content", "review_text", "reviewtext", "comment", "body", "message", "tweet")


@dataclass(frozen=True)
class Batch:
    """Part of one file. `line` counts lines from 1 (records in csv, the header being the first; items elsewhere)."""

    file: str
    rows: pa.Table  # ROWS
    rejects: pa.Table  # REJECTS


@dataclass(frozen=True)
class Reject:
    line: int
    reason: str
    problem: str
    text: str
    id: str | None = None


@dataclass(frozen=True)
class Columns:
    """Names of the columns to read. None means: `id` or `ID`, and `domain`, where the file has them."""

    text: str = "text"
    id: str | None = None
    domain: str | None = None

    def found_in(self, file: str, available: Sequence[str]) -> "Columns":
        """The columns of this file. Raises ValueError naming file, its columns and the mend if one is missing."""
        _require(file, self.text, available, "corpus.text_column", "--text-column")
        if self.id is not None:
            _require(file, self.id, available, "corpus.id_column", "--id-column")
        if self.domain is not None:
            _require(file, self.domain, available, "corpus.domain_column", "--domain-column")
        usual_id = next((name for name in ("id", "ID") if name in available), None)
        usual_domain = "domain" if "domain" in available else None
        return Columns(self.text, self.id or usual_id, self.domain or usual_domain)

    def names(self) -> list[str]:
        """Each column once, in the order text, id, domain."""
        return list(dict.fromkeys(name for name in (self.text, self.id, self.domain) if name is not None))


def batch(file: str, lines: pa.Array, columns: dict[str, pa.Array | None], rejects: Iterable[Reject] = ()) -> Batch:
    """Rows from equally long arrays: `lines` (int64), `text`, `id` and `domain` (string with nulls, or None).

    A row without text is refused as `missing`; one without an id is called file:line.
    """
    text = columns["text"]
    empty = pc.fill_null(pc.equal(text, ""), True)
    names = pc.binary_join_element_wise(file, lines.cast(pa.string()), ":")
    ids, domain = columns.get("id"), columns.get("domain")
    if ids is not None:
        names = pc.if_else(pc.fill_null(pc.equal(ids, ""), True), names, ids)
    if domain is None:
        domain = pa.nulls(len(lines), pa.string())
    rows = pa.table([names, domain, text, lines], schema=ROWS)
    refused = list(rejects)
    if pc.any(empty).as_py():
        rows = rows.filter(pc.invert(empty))
        pairs = zip(lines.filter(empty).to_pylist(), names.filter(empty).to_pylist(), strict=True)
        refused += [Reject(line, "missing", "no text", "", name) for line, name in pairs]
    refused.sort(key=lambda reject: reject.line)
    return Batch(file, rows, _reject_table(file, refused))


def _reject_table(file: str, rejects: Sequence[Reject]) -> pa.Table:
    places = [f"{file}:{reject.line}" for reject in rejects]
    data = [
        [reject.id or place for reject, place in zip(rejects, places, strict=True)],
        places,
        [reject.reason for reject in rejects],
        [f"{place}: {reject.problem}" for place, reject in zip(places, rejects, strict=True)],
        [_storable(reject.text[:SHOWN]) for reject in rejects],
        [reject.line for reject in rejects],
    ]
    return pa.table([pa.array(values, field.type) for values, field in zip(data, REJECTS, strict=True)], schema=REJECTS)


def shown(data: bytes) -> str:
    """Bytes of any kind for a reader."""
    return data[:SHOWN].decode("utf-8", "backslashreplace")


def _storable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _require(file: str, column: str, available: Sequence[str], key: str, flag: str) -> None:
    if column in available:
        return
    near = _nearest(column, available)
    hint = f"; did you mean {near!r}?" if near else ""
    shown_names = ", ".join(repr(name) for name in available) or "none"
    raise ValueError(f"{file}: no column {column!r}; it has {shown_names}{hint} (name it in {key} or by {flag})")


def _nearest(column: str, available: Sequence[str]) -> str | None:
    by_lower = {name.lower().strip(): name for name in reversed(available)}
    usual = USUAL_NAMES if column.lower() == "text" else ()
    for name in (column.lower(), *usual):
        if name in by_lower:
            return by_lower[name]
    close = difflib.get_close_matches(column.lower(), list(by_lower), n=1, cutoff=0.5)
    return by_lower[close[0]] if close else None

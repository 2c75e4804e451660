"""Reviews from JSON: one object a line, or one list of objects."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO, Any

import pyarrow as pa
import pyarrow.json as pj

from fsa_ray.sentiment.files.batch import SHOWN, Batch, Columns, Reject, batch, shown
from fsa_ray.sentiment.files.stream import Block, blocks

PROBED = 1000  # lines that are looked at for the names of the columns
LARGEST_LIST = 1 << 30  # bytes; a list is read in one piece
JSON_SPACE = b" \t\r\n"


def read_lines(file: str, stream: IO[bytes], wanted: Columns) -> Iterator[Batch]:
    """One JSON object a line; blank lines are no rows. Raises ValueError if no object has the text column."""
    columns: Columns | None = None
    for block in blocks(stream):
        if columns is None and (names := _names(block)):
            columns = wanted.found_in(file, names)
        fast = _vectorised(file, block, columns) if columns is not None and not block.cut else None
        yield fast or _by_line(file, block, columns or wanted)


def read_list(file: str, stream: IO[bytes], wanted: Columns) -> Iterator[Batch]:
    """One JSON list of objects; `line` is the item, from 1. Items before a damaged place are kept."""
    data = stream.read(LARGEST_LIST + 1)
    if len(data) > LARGEST_LIST:
        raise ValueError(f"{file}: a JSON list of more than {LARGEST_LIST >> 20} MiB; write one object a line (.jsonl)")
    items, broken = _items(data)
    names = list(dict.fromkeys(name for item in items if isinstance(item, dict) for name in item))
    columns = wanted.found_in(file, names) if names else wanted
    yield _from_values(file, enumerate(items, start=1), columns, broken)


def is_list(stream: IO[bytes]) -> bool:
    """Whether the document starts with `[`. Reads from the stream."""
    return stream.read(1 << 16).lstrip(JSON_SPACE).startswith(b"[")


def _names(block: Block) -> list[str]:
    """Names of the columns, in order of appearance."""
    objects = map(_value, block.data.split(b"\n", PROBED)[:PROBED])
    return list(dict.fromkeys(name for item in objects if isinstance(item, dict) for name in item))


def _vectorised(file: str, block: Block, columns: Columns) -> Batch | None:
    """None if the block holds anything but one plain object a line with text, or ids of one simple type."""
    data = block.data
    count = data.count(b"\n") + (not data.endswith(b"\n"))
    if data.count(b"\n{") + data.startswith(b"{") != count:
        return None
    sample = _value(data[: data.find(b"\n") + 1] or data)
    if not isinstance(sample, dict):
        return None
    types = {name: pa.int64() if type(sample.get(name)) is int else pa.string() for name in columns.names()}
    types[columns.text] = pa.string()
    try:
        table = pj.read_json(
            pa.BufferReader(data),
            read_options=pj.ReadOptions(use_threads=False, block_size=len(data) + 1),
            parse_options=pj.ParseOptions(explicit_schema=pa.schema(types), unexpected_field_behavior="ignore"),
        )
        table.validate(full=True)  # the JSON parser lets text through that is not UTF-8
    except pa.ArrowInvalid:
        return None
    if table.num_rows != count:
        return None
    found = {name: table.column(name).combine_chunks().cast(pa.string()) for name in types}
    lines = pa.array(range(block.first, block.first + count), pa.int64())
    return batch(file, lines, _roles(found, columns))


def _by_line(file: str, block: Block, columns: Columns) -> Batch:
    if block.cut:
        return _from_values(file, [], columns, [Reject(block.first, "broken", "line too long", shown(block.data))])
    lines = enumerate(block.data.removesuffix(b"\n").split(b"\n"), start=block.first)
    values = ((number, _value(line)) for number, line in lines if line.strip(JSON_SPACE))
    return _from_values(file, values, columns)


def _from_values(
    file: str, values: Iterable[tuple[int, Any]], columns: Columns, broken: Iterable[Reject] = ()
) -> Batch:
    lines: list[int] = []
    found: dict[str, list[str | None]] = {"text": [], "id": [], "domain": []}
    rejects = list(broken)
    for line, value in values:
        problem = value if isinstance(value, _Problem) else _problem(value, columns)
        if problem:
            rejects.append(Reject(line, problem.reason, problem.detail, problem.text))
            continue
        lines.append(line)
        found["text"].append(value.get(columns.text))
        found["id"].append(_label(value.get(columns.id)))
        found["domain"].append(_label(value.get(columns.domain)))
    arrays: dict[str, pa.Array | None] = {role: pa.array(texts, pa.string()) for role, texts in found.items()}
    return batch(file, pa.array(lines, pa.int64()), arrays, rejects)


@dataclass(frozen=True)
class _Problem:
    reason: str
    detail: str
    text: str


def _value(line: bytes) -> Any:
    """The JSON value of a line, or the _Problem with it."""
    try:
        return json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        return _Problem("encoding", f"not UTF-8 at byte {error.start + 1}", shown(line))
    except json.JSONDecodeError as error:
        return _Problem("broken", f"not valid JSON at character {error.pos + 1}: {error.msg}", shown(line))
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, brackets thousands deep
        return _Problem("broken", f"not readable JSON: {error}", shown(line))


def _problem(value: Any, columns: Columns) -> _Problem | None:
    if not isinstance(value, dict):
        return _Problem("type", f"a JSON {type(value).__name__} where an object should be", str(value)[:SHOWN])
    text = value.get(columns.text)
    if text is None or isinstance(text, str):
        return None if text is None or _is_encodable(text) else _Problem("encoding", "half a surrogate pair", text)
    return _Problem("type", f"{columns.text} is a {type(text).__name__}, not text", str(text)[:SHOWN])


def _is_encodable(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _label(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value if value is None or _is_encodable(value) else ascii(value)
    return json.dumps(value)


def _items(data: bytes) -> tuple[list[Any], list[Reject]]:
    """The items of a JSON list up to the first damaged place, and that place."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        return [], [Reject(1, "encoding", f"not UTF-8 at byte {error.start + 1} of the file", shown(data))]
    try:
        return json.loads(text), []
    except (ValueError, RecursionError):
        return _items_one_by_one(text)


def _items_one_by_one(text: str) -> tuple[list[Any], list[Reject]]:
    items: list[Any] = []
    scan, position = json.JSONDecoder().raw_decode, text.index("[") + 1
    while True:
        try:
            item, position = scan(text, _after_space(text, position))
        except (ValueError, RecursionError) as error:
            return items, [_damage(items, text, position, str(error))]
        items.append(item)
        position = _after_space(text, position)
        if text[position : position + 1] != ",":
            rest = text[position:].strip()
            return items, [] if rest == "]" else [
                _damage(items, text, position, "a comma or the end of the list is due")
            ]
        position += 1


def _damage(items: list[Any], text: str, position: int, problem: str) -> Reject:
    detail = f"not valid JSON from character {position + 1} on, the rest of the file is unread: {problem}"
    return Reject(len(items) + 1, "broken", detail, text[position : position + SHOWN])


def _after_space(text: str, position: int) -> int:
    while position < len(text) and text[position] in " \t\r\n":
        position += 1
    return position


def _roles(found: dict[str, pa.Array], columns: Columns) -> dict[str, pa.Array | None]:
    names = {"text": columns.text, "id": columns.id, "domain": columns.domain}
    return {role: found[name] if name is not None else None for role, name in names.items()}

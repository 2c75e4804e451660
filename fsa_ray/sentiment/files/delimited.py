"""Reviews from csv and tsv, vectorised; what that cannot read, `records` reads one record at a time.

csv is quoted as spreadsheets do it; its delimiter is the first of `,` `;` tab that the header line has. In tsv a
quote is a character like any other (as in the data sets of research), except around a whole value.
"""

import io
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import islice
from typing import IO, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv

from fsa_ray.sentiment.files.batch import Batch, Columns, Reject, batch, shown
from fsa_ray.sentiment.files.decode import decoded, utf8_rows
from fsa_ray.sentiment.files.records import Damaged, Dialect, dialect_of, header, records

BLOCK_BYTES = 4 << 20  # a record that is longer takes the careful way
RECORDS_PER_BATCH = 20_000

Opener = Callable[[], AbstractContextManager[IO[bytes]]]


@dataclass(frozen=True)
class Sheet:
    """One csv or tsv file: where its columns are."""

    file: str
    dialect: Dialect
    width: int
    columns: dict[str, int | None]  # role (text, id, domain) to position


def read_delimited(file: str, opener: Opener, wanted: Columns, *, tab: bool) -> Iterator[Batch]:
    """`line` counts records, the header being the first; empty lines are no records. Raises ValueError if the header
    does not have the columns."""
    with opener() as stream:
        dialect = dialect_of(stream, tab=tab)
    with opener() as stream:
        names = header(file, stream, dialect)
    if not names:
        return
    columns = wanted.found_in(file, names)
    positions = {
        role: None if name is None else names.index(name)
        for role, name in (("text", columns.text), ("id", columns.id), ("domain", columns.domain))
    }
    sheet = Sheet(file, dialect, len(names), positions)
    with opener() as stream:
        unread = yield from _vectorised(sheet, stream)
    if unread is not None:
        with opener() as stream:
            yield from _one_by_one(sheet, stream, unread)


def _vectorised(sheet: Sheet, stream: IO[bytes]) -> Generator[Batch, None, int | None]:
    """Returns the record from which the careful way must go on: where Arrow cannot, and, in a file in which a quote
    was left open, the start of the last part, since that part may hold other records inside a value."""
    counted = _CountQuotes(stream)
    held: pa.RecordBatch | None = None
    first = 1  # record of what is held
    try:
        for part in _parts(sheet, counted):
            if held is not None:
                yield _arrow_batch(sheet, first, held)
                first += held.num_rows
            held = part
    except pa.ArrowInvalid:
        return first
    if sheet.dialect.quoted and counted.quotes % 2:
        return first
    if held is not None:
        yield _arrow_batch(sheet, first, held)
    return None


def _parts(sheet: Sheet, stream: io.RawIOBase) -> Iterator[pa.RecordBatch]:
    wanted = [str(position) for position in _wanted(sheet)]
    yield from pcsv.open_csv(
        pa.PythonFile(stream, "r"),
        read_options=pcsv.ReadOptions(
            use_threads=False, block_size=BLOCK_BYTES, column_names=[str(index) for index in range(sheet.width)]
        ),
        parse_options=pcsv.ParseOptions(
            delimiter=sheet.dialect.delimiter,
            quote_char='"' if sheet.dialect.quoted else False,
            newlines_in_values=sheet.dialect.quoted,
        ),
        convert_options=pcsv.ConvertOptions(
            check_utf8=False,
            include_columns=wanted,
            column_types={name: pa.binary() for name in wanted},
            strings_can_be_null=False,
        ),
    )


def _arrow_batch(sheet: Sheet, first: int, part: pa.RecordBatch) -> Batch:
    if first == 1:  # the header
        first, part = 2, part.slice(1)
    lines = range(first, first + part.num_rows)
    values = {
        role: None if position is None else part.column(_wanted(sheet).index(position))
        for role, position in sheet.columns.items()
    }
    return _rows(sheet, pa.array(lines, pa.int64()), values, [])


def _rows(sheet: Sheet, lines: pa.Array, values: dict[str, pa.Array | None], refused: list[Reject]) -> Batch:
    """From binary arrays."""
    good, undecodable = utf8_rows(lines, values["text"])
    columns = {
        role: None if column is None else _unquoted(sheet, decoded(column.filter(good)))
        for role, column in values.items()
    }
    return batch(sheet.file, lines.filter(good), columns, refused + undecodable)


def _unquoted(sheet: Sheet, values: pa.Array) -> pa.Array:
    if sheet.dialect.quoted:
        return values
    whole = pc.match_substring_regex(values, r'^"([^"]|"")*"$')
    if not pc.any(whole).as_py():
        return values
    inner = pc.replace_substring(pc.utf8_slice_codeunits(values, 1, -1), '""', '"')
    return pc.if_else(whole, inner, values)


def _one_by_one(sheet: Sheet, stream: IO[bytes], start: int) -> Iterator[Batch]:
    """The records from `start` on."""
    numbered = enumerate(records(stream, sheet.dialect), start=1)
    rest = (item for item in numbered if item[0] >= max(start, 2))
    while part := list(islice(rest, RECORDS_PER_BATCH)):
        yield _careful_batch(sheet, part)


def _careful_batch(sheet: Sheet, part: list[tuple[int, list[bytes] | Damaged]]) -> Batch:
    refused, lines, rows = [], [], []
    for number, record in part:
        if isinstance(record, Damaged):
            refused.append(Reject(number, "broken", record.problem, shown(record.data)))
        elif len(record) != sheet.width:
            problem = f"{len(record)} fields where the header has {sheet.width}"
            refused.append(Reject(number, "broken", problem, shown(sheet.dialect.delimiter.encode().join(record))))
        else:
            lines.append(number)
            rows.append(record)
    values = {
        role: None if position is None else pa.array([row[position] for row in rows], pa.binary())
        for role, position in sheet.columns.items()
    }
    return _rows(sheet, pa.array(lines, pa.int64()), values, refused)


def _wanted(sheet: Sheet) -> list[int]:
    return list(dict.fromkeys(position for position in sheet.columns.values() if position is not None))


class _CountQuotes(io.RawIOBase):
    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.quotes = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._stream.read(len(buffer))
        self.quotes += data.count(b'"')
        buffer[: len(data)] = data
        return len(data)

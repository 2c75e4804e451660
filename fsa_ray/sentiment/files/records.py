"""Records of csv and tsv one at a time: slow, and sure of what it leaves out."""

import csv
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from fsa_ray.sentiment.files.stream import LONGEST_LINE, blocks

LONGEST_RECORD = 1000  # lines; a quote that is not closed by then was never meant as one
BYTES_AS_TEXT = "latin-1"  # every byte is one character, so that any bytes pass through the csv module


@dataclass(frozen=True)
class Dialect:
    delimiter: str
    quoted: bool  # values may be quoted, and then hold delimiters and line ends


@dataclass(frozen=True)
class Damaged:
    """A line that is not (the start of) a record."""

    problem: str
    data: bytes


def dialect_of(stream: IO[bytes], *, tab: bool) -> Dialect:
    if tab:
        return Dialect("\t", quoted=False)
    line = stream.read(1 << 16).lstrip(b"\r\n").partition(b"\n")[0].decode(BYTES_AS_TEXT)
    return Dialect(next((sign for sign in ",;\t" if sign in line), ","), quoted=True)


def header(file: str, stream: IO[bytes], dialect: Dialect) -> list[str]:
    """The names of the columns; none if the file is empty. Raises ValueError if it cannot be read."""
    first = next(records(stream, dialect), [])
    if isinstance(first, Damaged):
        raise ValueError(f"{file}: the header line cannot be read: {first.problem}")
    try:
        return [name.decode("utf-8").strip().strip('"') for name in first]
    except UnicodeDecodeError as error:
        raise ValueError(f"{file}: the header line is not UTF-8; save the file as UTF-8") from error


def records(stream: IO[bytes], dialect: Dialect) -> Iterator[list[bytes] | Damaged]:
    """Fields of each record, empty lines left out. A line with a quote that nobody closes is Damaged by itself, and
    reading goes on with the next line."""
    lines = _Lines(stream)
    csv.field_size_limit(LONGEST_LINE)
    while lines.more():
        if lines.waiting[0][1]:
            yield Damaged("line too long", lines.waiting.popleft()[0])
        elif not dialect.quoted:
            line = lines.waiting.popleft()[0].rstrip(b"\r\n")
            if line:
                yield line.split(dialect.delimiter.encode())
        elif (record := _quoted(lines, dialect.delimiter)) != []:
            yield record


def _quoted(lines: "_Lines", delimiter: str) -> list[bytes] | Damaged:
    taken = _Taken(lines)
    try:
        fields = next(csv.reader(taken, delimiter=delimiter), [])
    except csv.Error as error:
        return Damaged(str(error), taken.give_back())
    if taken.unclosed:
        return Damaged("a quote is opened and never closed", taken.give_back())
    return [value.encode(BYTES_AS_TEXT) for value in fields]


class _Lines:
    """Lines of a stream with their ends; `waiting` is read before the stream. The flag marks a line cut off."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._blocks = blocks(stream)
        self.waiting: deque[tuple[bytes, bool]] = deque()

    def more(self) -> bool:
        while not self.waiting and (block := next(self._blocks, None)):
            self.waiting.extend((line, block.cut) for line in block.data.splitlines(keepends=True))
        return bool(self.waiting)


class _Taken:
    """The lines of one record, as the csv module asks for them: it asks for one more only while a quote is open."""

    def __init__(self, lines: _Lines) -> None:
        self._lines = lines
        self._taken: list[bytes] = []
        self.unclosed = False

    def __iter__(self) -> "_Taken":
        return self

    def __next__(self) -> str:
        lines = self._lines
        if len(self._taken) == LONGEST_RECORD or not lines.more() or lines.waiting[0][1]:
            self.unclosed = True
            raise StopIteration
        line, _ = lines.waiting.popleft()
        self._taken.append(line)
        return line.decode(BYTES_AS_TEXT)

    def give_back(self) -> bytes:
        """Returns the first line; the others will be read again."""
        first, *others = self._taken
        self._lines.waiting.extendleft((line, False) for line in reversed(others))
        return first

"""Exactly-once work by units.

A unit is a run of rows of one input file. It is done if and only if its own parquet file exists, which is made by
exclusive create: a unit tried again cannot double its rows, and nobody has to remember row ids. The cut into units
is frozen when the work first begins, so that a resume under another placement finds the same units.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, fields
from functools import cached_property, lru_cache
from itertools import islice
from typing import Any, TypeVar
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict

from fsa_ray.core.artifact import Table
from fsa_ray.core.tables import parquet_bytes
from fsa_ray.storage.folder import Folder

_LAYOUT = "layout.json"
_BEGUN = "begun"
_COUNTS = b"fsa_ray.counts"
_READERS = 16
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Unit:
    """Rows `start` to `start + rows` of the file `file` (a key below the root)."""

    index: int
    file: str
    start: int
    rows: int

    @property
    def name(self) -> str:
        return f"u{self.index:08d}.parquet"


@dataclass(frozen=True)
class Counts:
    """What units amounted to. `failed`: prompts that got an error instead of an answer."""

    rows: int = 0  # of the input
    prompts: int = 0
    prompt_tokens: int = 0
    output_tokens: int = 0
    failed: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))


class SourceFile(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    rows: int


class Layout(BaseModel):
    """How the input is cut."""

    model_config = ConfigDict(frozen=True, extra="forbid", ignored_types=(cached_property,))

    unit_rows: int
    files: tuple[SourceFile, ...]

    @classmethod
    def read(cls, folder: Folder) -> "Layout | None":
        """That of the work in `folder`; None if it has not begun."""
        try:
            return cls.model_validate_json(folder.get(_LAYOUT))
        except FileNotFoundError:
            return None

    @property
    def rows(self) -> int:
        return sum(file.rows for file in self.files)

    @property
    def count(self) -> int:
        return sum(-(-file.rows // self.unit_rows) for file in self.files)

    def units(self) -> Iterator[Unit]:
        index = 0
        for file in self.files:
            for start in range(0, file.rows, self.unit_rows):
                yield Unit(index, file.key, start, min(self.unit_rows, file.rows - start))
                index += 1


@dataclass(frozen=True)
class UnitFolder:
    """The units of one piece of work. `root` holds the input, `folder` the finished units and the layout."""

    root: Folder
    folder: Folder
    layout: Layout

    @classmethod
    def open(cls, root: Folder, folder: Folder, source: Table, unit_rows: int) -> "UnitFolder":
        """Begin work on `source`, or go on with it: then the stored cut holds, whatever `unit_rows` says."""
        files = tuple(SourceFile(key=file.key, rows=file.rows or 0) for file in source.files)
        wanted = Layout(unit_rows=unit_rows, files=files)
        folder.put_exclusive(_LAYOUT, wanted.model_dump_json().encode())
        stored = Layout.read(folder)
        assert stored is not None
        if stored.files != files:
            raise ValueError(f"{folder.url} holds units of other input files; remove it or use another folder")
        return cls(root, folder, stored)

    def finished(self) -> set[str]:
        """Names of the finished units."""
        return {name for name in self.folder.names() if name.endswith(".parquet")}

    def pending(self) -> list[Unit]:
        finished = self.finished()
        return [unit for unit in self.layout.units() if unit.name not in finished]

    def is_finished(self, unit: Unit) -> bool:
        return self.folder.exists(unit.name)

    def read(self, unit: Unit) -> pa.Table:
        """The input rows of a unit."""
        return _read_rows(self.root, unit.file, unit.start, unit.rows)

    def begin(self, unit: Unit) -> None:
        """Note that work on a unit begins. What is begun and not committed was in vain."""
        (self.folder / _BEGUN).put(f"{unit.index:08d}-{uuid4().hex}", b"")

    def rows_redone(self) -> int:
        """Rows of the finished units, each as often as it was begun after the first time: by any process, ever."""
        begun = Counter(int(name.partition("-")[0]) for name in (self.folder / _BEGUN).names())
        finished = self.finished()
        return sum(
            (begun[unit.index] - 1) * unit.rows
            for unit in self.layout.units()
            if begun[unit.index] > 1 and unit.name in finished
        )

    def commit(self, unit: Unit, table: pa.Table, counts: Counts) -> bool:
        """Store the unit's result; False if it was there already."""
        metadata = {**(table.schema.metadata or {}), _COUNTS: json.dumps(asdict(counts)).encode()}
        return self.folder.put_exclusive(unit.name, parquet_bytes(table.replace_schema_metadata(metadata)))

    def counts(self) -> Counts:
        """Of all finished units; reads the footer of each."""
        return sum(_side_by_side(self._counts_of, sorted(self.finished())), Counts())

    def results(self) -> Iterator[pa.Table]:
        """The result of each unit, in input order, a few read ahead. Call when nothing is pending."""
        return _side_by_side(self._result_of, (unit.name for unit in self.layout.units()))

    def _result_of(self, name: str) -> pa.Table:
        with pa.BufferReader(self.folder.get(name)) as source:
            table = pq.read_table(source)
        metadata = {key: value for key, value in (table.schema.metadata or {}).items() if key != _COUNTS}
        return table.replace_schema_metadata(metadata or None)

    def _counts_of(self, name: str) -> Counts:
        with self.folder.arrow().open_input_file(self.folder.where(name)) as stream:
            metadata: dict[bytes, bytes] = pq.read_schema(stream).metadata
        return Counts(**json.loads(metadata[_COUNTS]))


def _side_by_side(read: Callable[[str], T], names: Iterable[str]) -> Iterator[T]:
    """What `read` makes of each name, in order; as many at a time as there are readers."""
    waiting = iter(names)
    with ThreadPoolExecutor(_READERS) as readers:
        while some := list(islice(waiting, _READERS)):
            yield from readers.map(read, some)


def _read_rows(root: Folder, key: str, start: int, rows: int) -> pa.Table:
    """Read only the row groups that hold the rows; neighbouring units find theirs in memory."""
    parts, before = [], 0
    for group, size in enumerate(_group_sizes(root, key)):
        low, high = max(start, before), min(start + rows, before + size)
        if low < high:
            parts.append(_read_group(root, key, group).slice(low - before, high - low))
        before += size
    return pa.concat_tables(parts).combine_chunks()


@lru_cache(maxsize=64)
def _group_sizes(root: Folder, key: str) -> tuple[int, ...]:
    with root.arrow().open_input_file(root.where(key)) as stream:
        metadata: Any = pq.ParquetFile(stream).metadata
        return tuple(metadata.row_group(group).num_rows for group in range(metadata.num_row_groups))


@lru_cache(maxsize=2)
def _read_group(root: Folder, key: str, group: int) -> pa.Table:
    with root.arrow().open_input_file(root.where(key)) as stream:
        return pq.ParquetFile(stream).read_row_group(group)

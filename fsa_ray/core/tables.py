"""Reading and writing the parquet files of a Table."""

import hashlib
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq

from fsa_ray.core.artifact import DataFile, Table
from fsa_ray.storage.folder import Folder

ROWS_PER_FILE = 50_000
ROWS_PER_SLICE = 5_000


def write_file(root: Folder, folder: Folder, name: str, data: bytes, rows: int | None = None) -> DataFile:
    """Write `data` as `name` in `folder`, which lies below `root`. Replaces what an earlier try left there."""
    folder.put(name, data)
    return _described(root, folder, name, data, rows)


def stored_file(root: Folder, folder: Folder, name: str, rows: int | None = None) -> DataFile:
    """The description of a file that is there already."""
    return _described(root, folder, name, folder.get(name), rows)


def write_part(root: Folder, folder: Folder, name: str, table: pa.Table) -> DataFile:
    """One parquet file. Equal tables give equal bytes."""
    return write_file(root, folder, name, parquet_bytes(table), table.num_rows)


def parquet_bytes(table: pa.Table) -> bytes:
    """Equal rows give equal bytes, in however many pieces the table lies in memory."""
    sink = pa.BufferOutputStream()
    pq.write_table(table.combine_chunks(), sink, compression="zstd", row_group_size=10_000)
    data: bytes = sink.getvalue().to_pybytes()
    return data


class TableWriter:
    """Rows as they come, in files of `rows_per_file` rows; holds those of one file at a time.

    At least one file, so that the schema is stored too. With `resumed` a file that is there already stays: it is what
    an interrupted attempt left of the same rows.
    """

    def __init__(
        self,
        root: Folder,
        folder: Folder,
        schema: pa.Schema,
        rows_per_file: int = ROWS_PER_FILE,
        *,
        prefix: str = "part",
        resumed: bool = False,
    ) -> None:
        self._root, self._folder, self._schema = root, folder, schema
        self._rows_per_file, self._prefix, self._resumed = rows_per_file, prefix, resumed
        self._waiting: list[pa.Table] = []
        self._held = 0
        self._files: list[DataFile] = []

    def add(self, rows: pa.Table) -> None:
        while len(rows):
            room = self._rows_per_file - self._held
            self._waiting.append(rows.slice(0, room))
            self._held += len(self._waiting[-1])
            rows = rows.slice(room)
            if self._held == self._rows_per_file:
                self._write()

    def close(self) -> Table:
        if self._held or not self._files:
            self._write()
        return Table(files=tuple(self._files))

    def _write(self) -> None:
        table = pa.concat_tables([self._schema.empty_table(), *self._waiting])
        self._waiting, self._held = [], 0
        name = f"{self._prefix}-{len(self._files):05d}.parquet"
        if self._resumed:
            self._folder.put_exclusive(name, parquet_bytes(table))
            self._files.append(stored_file(self._root, self._folder, name, len(table)))
        else:
            self._files.append(write_part(self._root, self._folder, name, table))


def write_table(root: Folder, folder: Folder, table: pa.Table, rows_per_file: int = ROWS_PER_FILE) -> Table:
    """`table` in files of `rows_per_file` rows; at least one file, so that the schema is stored too."""
    writer = TableWriter(root, folder, table.schema, rows_per_file)
    writer.add(table)
    return writer.close()


def read_table(root: Folder, table: Table, columns: list[str] | None = None) -> pa.Table:
    """All rows in order, in memory."""
    return pa.concat_tables(iter_parts(root, table, columns))


def schema_of(root: Folder, table: Table) -> pa.Schema:
    """Arrow schema of the rows."""
    return next(iter_parts(root, table)).schema


def iter_parts(root: Folder, table: Table, columns: list[str] | None = None) -> Iterator[pa.Table]:
    """One Arrow table per file, in order."""
    for file in table.files:
        with pa.BufferReader(root.get(file.key)) as source:
            yield pq.read_table(source, columns=columns)


def iter_slices(root: Folder, table: Table, columns: list[str] | None = None) -> Iterator[pa.Table]:
    """A few thousand rows at a time, in order: for work that takes much more memory than the rows themselves."""
    for part in iter_parts(root, table, columns):
        for start in range(0, len(part), ROWS_PER_SLICE):
            yield part.slice(start, ROWS_PER_SLICE)


def numbered(root: Folder, table: Table, columns: list[str] | None = None) -> Iterator[tuple[pa.Table, slice]]:
    """A few thousand rows at a time, and their place in the table."""
    start = 0
    for part in iter_slices(root, table, columns):
        yield part, slice(start, start + len(part))
        start += len(part)


def _described(root: Folder, folder: Folder, name: str, data: bytes, rows: int | None) -> DataFile:
    key = f"{folder.path.removeprefix(root.path).strip('/')}/{name}"
    return DataFile(key=key, size=len(data), sha256=hashlib.sha256(data).hexdigest(), rows=rows)

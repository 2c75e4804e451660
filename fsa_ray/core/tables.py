"""Reading and writing the parquet files of a Table."""

import hashlib
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq

from fsa_ray.core.artifact import DataFile, Table
from fsa_ray.storage.folder import Folder

ROWS_PER_FILE = 50_000


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
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd", row_group_size=10_000)
    data: bytes = sink.getvalue().to_pybytes()
    return data


def write_table(root: Folder, folder: Folder, table: pa.Table, rows_per_file: int = ROWS_PER_FILE) -> Table:
    """`table` in files of `rows_per_file` rows; at least one file, so that the schema is stored too."""
    starts = range(0, max(table.num_rows, 1), rows_per_file)
    files = (
        write_part(root, folder, f"part-{number:05d}.parquet", table.slice(start, rows_per_file))
        for number, start in enumerate(starts)
    )
    return Table(files=tuple(files))


def read_table(root: Folder, table: Table, columns: list[str] | None = None) -> pa.Table:
    """All rows in order, in memory."""
    return pa.concat_tables(iter_parts(root, table, columns))


def iter_parts(root: Folder, table: Table, columns: list[str] | None = None) -> Iterator[pa.Table]:
    """One Arrow table per file, in order."""
    for file in table.files:
        with pa.BufferReader(root.get(file.key)) as source:
            yield pq.read_table(source, columns=columns)


def _described(root: Folder, folder: Folder, name: str, data: bytes, rows: int | None) -> DataFile:
    key = f"{folder.path.removeprefix(root.path).strip('/')}/{name}"
    return DataFile(key=key, size=len(data), sha256=hashlib.sha256(data).hexdigest(), rows=rows)

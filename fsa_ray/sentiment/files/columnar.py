"""Reviews from parquet files and from the Arrow streams that `datasets` writes."""

from collections.abc import Iterable, Iterator
from typing import IO

import pyarrow as pa
import pyarrow.parquet as pq

from fsa_ray.sentiment.files.batch import Batch, Columns, batch
from fsa_ray.sentiment.files.decode import decoded, utf8_rows

ROWS_PER_BATCH = 20_000


def read_parquet(file: str, stream: IO[bytes], wanted: Columns) -> Iterator[Batch]:
    """Raises ValueError if it is not a parquet file or its text column holds anything but text."""
    try:
        source = pq.ParquetFile(stream)
        columns = wanted.found_in(file, source.schema_arrow.names)
        parts = source.iter_batches(ROWS_PER_BATCH, columns=columns.names())
        yield from _batches(file, parts, columns)
    except (pa.ArrowException, OSError) as error:
        raise ValueError(f"{file}: cannot be read as parquet: {error}") from error


def read_arrow(file: str, stream: IO[bytes], wanted: Columns) -> Iterator[Batch]:
    """As `read_parquet`, of a file in Arrow's streaming format."""
    try:
        source = pa.ipc.open_stream(stream)
        columns = wanted.found_in(file, source.schema.names)
        yield from _batches(file, source, columns)
    except (pa.ArrowException, OSError) as error:
        raise ValueError(f"{file}: cannot be read as an Arrow stream: {error}") from error


def _batches(file: str, parts: Iterable[pa.RecordBatch], columns: Columns) -> Iterator[Batch]:
    first = 1
    for part in parts:
        lines = pa.array(range(first, first + part.num_rows), pa.int64())
        first += part.num_rows
        raw = _binary(file, columns.text, part.column(columns.text))
        good, rejects = utf8_rows(lines, raw)
        labels = {"id": columns.id, "domain": columns.domain}
        found = {role: _label(part.column(name)).filter(good) if name else None for role, name in labels.items()}
        yield batch(file, lines.filter(good), {"text": decoded(raw.filter(good)), **found}, rejects)


def _binary(file: str, name: str, values: pa.Array) -> pa.Array:
    kind = values.type
    if pa.types.is_dictionary(kind):
        values = values.dictionary_decode()
        kind = values.type
    if not (_is_string(kind) or pa.types.is_null(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind)):
        raise ValueError(f"{file}: column {name!r} holds {kind}, not text; name another one in corpus.text_column")
    return values.cast(pa.binary())


def _label(values: pa.Array) -> pa.Array:
    if pa.types.is_nested(values.type):
        return pa.array([None if value is None else str(value) for value in values.to_pylist()], pa.string())
    return values.cast(pa.string())


def _is_string(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))

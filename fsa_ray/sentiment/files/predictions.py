"""Writes predictions where the user wants them, whole or not at all."""

import json
import math
import os
import tempfile
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.parquet as pq

from fsa_ray.schemas.rows import PREDICTION
from fsa_ray.storage.folder import Folder


def write_predictions(path: str, batches: Iterable[pa.Table]) -> int:
    """Writes tables of schema PREDICTION to `path` (.jsonl or .parquet, local or a URL); returns the number of rows.

    What was at `path` before stays until the new file is whole; if `batches` raises, for good. Raises ValueError for
    another extension.
    """
    writer = writer_for(path)
    with _whole(str(path)) as stream:
        return writer(stream, batches)


def writer_for(path: str) -> Callable[[IO[bytes], Iterable[pa.Table]], int]:
    """Raises ValueError for an extension that is not known; to be called before the work begins."""
    extension = Path(path).suffix.lower()
    if extension not in WRITERS:
        raise ValueError(f"{path}: predictions are written to .jsonl or .parquet, not to {extension or 'no extension'}")
    return WRITERS[extension]


def _write_jsonl(stream: IO[bytes], batches: Iterable[pa.Table]) -> int:
    rows = 0
    for table in batches:
        for row in table.select(PREDICTION.names).cast(PREDICTION).to_pylist():
            if row["confidence"] is not None:
                row["confidence"] = round(row["confidence"], 6) if math.isfinite(row["confidence"]) else None
            stream.write(json.dumps(row, ensure_ascii=False, allow_nan=False).encode("utf-8") + b"\n")
        rows += table.num_rows
    return rows


def _write_parquet(stream: IO[bytes], batches: Iterable[pa.Table]) -> int:
    rows = 0
    with pq.ParquetWriter(stream, PREDICTION, compression="zstd") as writer:
        for table in batches:
            writer.write_table(table.select(PREDICTION.names).cast(PREDICTION))
            rows += table.num_rows
    return rows


WRITERS = {".jsonl": _write_jsonl, ".parquet": _write_parquet}


@contextmanager
def _whole(path: str) -> Iterator[IO[bytes]]:
    """A stream whose bytes appear at `path` at the end, and only if nothing was raised."""
    folder = Folder(path)
    if not folder.is_local:
        with tempfile.NamedTemporaryFile(prefix="fsa-ray-") as local:
            yield local
            local.flush()
            folder.fs.put_file(local.name, folder.path)
        return
    target = Path(folder.path)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex}.part")
    try:
        with temporary.open("wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)

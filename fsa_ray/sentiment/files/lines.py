"""Reviews from plain text: one a line."""

from collections.abc import Iterator
from typing import IO

import pyarrow as pa

from fsa_ray.sentiment.files.batch import Batch, Reject, batch, shown
from fsa_ray.sentiment.files.decode import decoded, utf8_rows
from fsa_ray.sentiment.files.stream import Block, blocks


def read_text(file: str, stream: IO[bytes]) -> Iterator[Batch]:
    """One review a line; blank lines are no rows."""
    for block in blocks(stream):
        if block.cut:
            reject = Reject(block.first, "broken", "line too long", shown(block.data))
            yield batch(file, pa.array([], pa.int64()), {"text": pa.array([], pa.string())}, [reject])
        else:
            yield _read(file, block)


def _read(file: str, block: Block) -> Batch:
    values = [line.strip(b"\r") for line in block.data.removesuffix(b"\n").split(b"\n")]
    numbers = [number for number, line in enumerate(values, start=block.first) if line.strip()]
    raw = pa.array([line for line in values if line.strip()], pa.binary())
    lines = pa.array(numbers, pa.int64())
    good, rejects = utf8_rows(lines, raw)
    return batch(file, lines.filter(good), {"text": decoded(raw.filter(good))}, rejects)

"""Predictions are written whole or not at all."""

import json
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fsa_ray.schemas.rows import PREDICTION
from fsa_ray.sentiment.files.predictions import write_predictions

ROWS = [
    {
        "id": "1",
        "text": "great 😀\u2028line",
        "polarity": "positive",
        "confidence": 0.75,
        "opinions": [{"target": None, "aspect": "mood", "polarity": "positive", "evidence": "great"}],
        "error": None,
    },
    {"id": "2", "text": "?", "polarity": None, "confidence": float("nan"), "opinions": None, "error": "no answer"},
]
TABLE = pa.Table.from_pylist(ROWS, PREDICTION)


def test_jsonl_is_nested_and_is_strict_json(tmp_path: Path) -> None:
    assert write_predictions(str(tmp_path / "new" / "p.jsonl"), [TABLE, TABLE]) == 4
    lines = (tmp_path / "new" / "p.jsonl").read_text(encoding="utf-8").split("\n")
    assert json.loads(lines[0]) == ROWS[0]
    assert json.loads(lines[1])["confidence"] is None
    assert len(lines) == 5


@pytest.mark.parametrize("batches", [[TABLE], []])
def test_parquet(tmp_path: Path, batches: list[pa.Table]) -> None:
    path = tmp_path / "p.parquet"
    assert write_predictions(str(path), batches) == 2 * len(batches)
    assert pq.read_table(path).schema.equals(PREDICTION)


@pytest.mark.parametrize("name", ["p.jsonl", "p.parquet"])
def test_a_failure_half_way_leaves_the_old_file(tmp_path: Path, name: str) -> None:
    def failing() -> Iterator[pa.Table]:
        yield TABLE
        raise RuntimeError("engine died")

    (tmp_path / name).write_bytes(b"old")
    with pytest.raises(RuntimeError, match="engine died"):
        write_predictions(str(tmp_path / name), failing())
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_bytes() == b"old"


def test_other_places_and_other_extensions(tmp_path: Path) -> None:
    write_predictions("memory://out/fine.jsonl", [TABLE])
    assert len(fsspec.filesystem("memory").cat_file("/out/fine.jsonl").splitlines()) == 2
    with pytest.raises(ValueError, match=r"written to \.jsonl or \.parquet"):
        write_predictions(str(tmp_path / "p.csv"), [TABLE])

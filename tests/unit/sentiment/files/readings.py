"""What came of reading a file, in short."""

from pathlib import Path

from fsa_ray.sentiment.files.batch import Batch, Columns
from fsa_ray.sentiment.files.read import read_file
from fsa_ray.storage.folder import Folder


def rows(batches: list[Batch]) -> list[tuple[str, str | None, str]]:
    return [(r["source_id"], r["domain"], r["text"]) for b in batches for r in b.rows.to_pylist()]


def rejects(batches: list[Batch]) -> list[tuple[int, str]]:
    return [(r["line"], r["reason"]) for b in batches for r in b.rejects.to_pylist()]


def accounted(batches: list[Batch]) -> list[int]:
    lines = [line for b in batches for t in (b.rows, b.rejects) for line in t.column("line").to_pylist()]
    assert len(lines) == len(set(lines)), "a line is accounted for twice"
    return sorted(lines)


def put(tmp_path: Path, name: str, data: bytes | str) -> str:
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return str(path)


def in_memory(name: str, data: bytes) -> list[Batch]:
    folder = Folder("memory://readers")
    folder.put(name, data)
    return list(read_file(folder, name, Columns()))

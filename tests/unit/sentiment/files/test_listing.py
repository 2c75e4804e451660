"""Which files a path means, and their pinned identity."""

import hashlib
import os
from pathlib import Path

import pytest

from fsa_ray.sentiment.files.listing import listing, pin


def test_folder_is_sorted_and_says_what_it_ignores(tmp_path: Path) -> None:
    for name in ("b.jsonl", "a.csv.gz", "sub/c.parquet", "README.md", "notes.txt", ".hidden.jsonl", "_tmp/x.jsonl"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    found = listing(str(tmp_path))
    assert found.files == ("a.csv.gz", "b.jsonl", "sub/c.parquet")
    assert found.ignored == ("README.md", "notes.txt")


def test_text_files_count_where_nothing_else_does(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")
    assert listing(str(tmp_path)).files == ("a.txt",)
    (tmp_path / "a.txt").rename(tmp_path / "a.pdf")
    with pytest.raises(ValueError, match="in this folder"):
        listing(str(tmp_path))


def test_what_a_dataset_says_of_itself_is_not_left_out(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text('{"_data_files": [{"filename": "data-0.arrow"}]}')
    for name in ("dataset_info.json", "data-0.arrow", "more.csv"):
        (tmp_path / name).write_text("x")
    found = listing(str(tmp_path))
    assert (found.files, found.ignored) == (("data-0.arrow",), ("more.csv",))


def test_a_single_file_wherever_one_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.jsonl").write_text("x")
    monkeypatch.chdir(tmp_path)
    for path in ("a.jsonl", "./a.jsonl", str(tmp_path / "a.jsonl"), f"file://{tmp_path}/a.jsonl"):
        found = listing(path)
        assert found.files == ("a.jsonl",)
        assert found.folder.get("a.jsonl") == b"x"


def test_pin_follows_content_and_name_only(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("one")
    (before,) = pin(str(tmp_path))
    assert (before.name, before.size) == ("a.jsonl", 3)
    assert before.digest == "sha256:" + hashlib.sha256(b"one").hexdigest()
    os.utime(tmp_path / "a.jsonl", (0, 0))
    assert pin(str(tmp_path)) == (before,)
    assert pin(str(tmp_path / "a.jsonl")) == (before,)
    (tmp_path / "a.jsonl").write_text("two")
    assert pin(str(tmp_path)) != (before,)

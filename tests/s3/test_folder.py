"""What a Folder promises, kept by a real object store."""

import hashlib
import multiprocessing
import os
import threading
import time
from pathlib import Path

import pyarrow.fs as pafs
import pytest

from fsa_ray.storage import race
from fsa_ray.storage.folder import Folder
from fsa_ray.storage.s3 import PART_BYTES, S3

SPAWN = multiprocessing.get_context("spawn")
PROCESSES, THREADS, FILES = 3, 5, 6


def test_put_get_names_walk_remove(root: Folder) -> None:
    assert root.names() == [] and not root.exists("a")
    with pytest.raises(FileNotFoundError):
        root.get("a")
    with pytest.raises(FileNotFoundError):
        root.modified("a")
    root.put("a", b"1")
    root.put("a", b"22")
    root.put("empty", b"")
    (root / "sub").put("b", b"333")
    (root / "sub" / "deep").put("c d+é", b"4444")
    assert (root.get("a"), root.get("empty")) == (b"22", b"")
    assert root.names() == ["a", "empty", "sub"]
    assert dict(root.walk()) == {"a": 2, "empty": 0, "sub/b": 3, "sub/deep/c d+é": 4}
    assert root.exists("sub") and not root.exists("su")
    root.remove("sub")
    root.remove("never was")
    assert root.names() == ["a", "empty"]


def test_times_are_those_of_the_store(root: Folder) -> None:
    root.put("first", b"")
    time.sleep(1.1)  # seconds are all that HTTP tells
    root.put("second", b"")
    assert root.modified("first") < root.modified("second")
    assert root.modified("first").tzinfo is not None


def test_what_another_process_writes_is_seen_at_once(root: Folder) -> None:
    root.put("a", b"1")
    assert root.names() == ["a"]
    child = SPAWN.Process(target=Folder.put, args=(root, "b", b"2"))
    child.start()
    child.join()
    assert root.names() == ["a", "b"]
    assert root.arrow().get_file_info(root.where("b")).type == pafs.FileType.File


def test_an_object_in_parts_has_its_bytes(root: Folder, tmp_path: Path) -> None:
    data = os.urandom(2 * PART_BYTES + 12_345)
    root.put("large", data)
    assert root.fs.info(root.where("large"))["ETag"].strip('"').endswith("-3"), "it went up in three parts"
    assert root.get("large") == data
    assert root.put_exclusive("once", data) and not root.put_exclusive("once", data[::-1])
    assert root.get("once") == data
    local = tmp_path / "checkpoint"
    local.mkdir()
    (local / "weights").write_bytes(data)
    pafs.copy_files(str(local), root.where("copied"), pafs.LocalFileSystem(), root.arrow())  # as Ray Train does
    assert hashlib.sha256((root / "copied").get("weights")).digest() == hashlib.sha256(data).digest()


def contend(folder: Folder, me: int, barrier: object, wins: object) -> None:
    for number in range(FILES):
        barrier.wait(60)  # type: ignore[attr-defined]
        outcome: list[str] = []

        def create(thread: int, number: int = number, outcome: list[str] = outcome) -> None:
            text = f"{me}-{thread}"
            if folder.put_exclusive(f"{number}.json", text.encode()):
                outcome.append(text)

        threads = [threading.Thread(target=create, args=(thread,)) for thread in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        wins.put((number, outcome))  # type: ignore[attr-defined]


def test_exclusive_create_has_one_winner_among_threads_of_processes(root: Folder) -> None:
    barrier, wins = SPAWN.Barrier(PROCESSES), SPAWN.Queue()
    children = [SPAWN.Process(target=contend, args=(root, me, barrier, wins)) for me in range(PROCESSES)]
    for child in children:
        child.start()
    found: dict[int, list[str]] = {}
    for _ in range(PROCESSES * FILES):
        number, outcome = wins.get(timeout=120)
        found[number] = found.get(number, []) + outcome
    for child in children:
        child.join()
    assert {number: [root.get(f"{number}.json").decode()] for number in range(FILES)} == found


def test_a_store_without_conditions_is_found_out(root: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    assert race.most_winners(root) == 1
    race.refuse_without_exclusive_create(root)
    unconditional(monkeypatch)
    assert race.most_winners(root) > 1
    with pytest.raises(ValueError, match=rf"{root.url}: .* of 8 writers .* FSA_RAY_ONLY_DRIVER=1"):
        race.refuse_without_exclusive_create(root)
    monkeypatch.setenv("FSA_RAY_ONLY_DRIVER", "1")
    race.refuse_without_exclusive_create(root)
    assert root.put_exclusive("layout", b"first") and not root.put_exclusive("layout", b"second")
    assert root.get("layout") == b"first", "nobody beside us: what is there stays"
    assert root.names() == ["layout"]


def unconditional(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a store that does not know If-None-Match."""
    call = S3._call_s3

    async def forgetful(self: S3, method: str, *given: object, **kwargs: object) -> object:
        kwargs.pop("IfNoneMatch", None)
        return await call(self, method, *given, **kwargs)

    monkeypatch.setattr(S3, "_call_s3", forgetful)

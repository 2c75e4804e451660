"""Writes to a folder: whole or not at all, and exclusive ones with one winner."""

import multiprocessing
import os
import resource
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from fsa_ray.storage import race
from fsa_ray.storage.folder import Folder

FORK = multiprocessing.get_context("fork")
NOBODY = 65534


def in_child(work: Callable[[], object]) -> str:
    """What `work` raised in a process of its own, or its result, as text."""
    receive, send = FORK.Pipe(duplex=False)

    def run() -> None:
        try:
            send.send(f"returned {work()}")
        except BaseException as error:
            send.send(f"{type(error).__name__}: {error}")

    child = FORK.Process(target=run)
    child.start()
    assert receive.poll(60)
    text: str = receive.recv()
    child.join()
    return text


@pytest.mark.parametrize("url", ["local", "memory://folder-basics"])
def test_put_get_names_walk_remove(tmp_path: Path, url: str) -> None:
    folder = Folder(str(tmp_path / "new") if url == "local" else url)
    assert folder.names() == []
    assert not folder.exists("a")
    with pytest.raises(FileNotFoundError):
        folder.get("a")
    folder.put("a", b"1")
    folder.put("a", b"22")
    (folder / "sub").put("b", b"333")
    assert folder.get("a") == b"22"
    assert folder.names() == ["a", "sub"]
    assert dict(folder.walk()) == {"a": 2, "sub/b": 3}
    assert not folder.put_exclusive("a", b"other")
    assert folder.put_exclusive("c", b"new")
    folder.remove("sub")
    folder.remove("never was")
    assert folder.names() == ["a", "c"]
    assert folder.modified("a").tzinfo is not None


@pytest.mark.parametrize("name", ["../up", "/etc/passwd", "", "a/../../b", "."])
def test_names_stay_inside(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="not a path inside a folder"):
        Folder(str(tmp_path)).put(name, b"")


def test_a_relative_folder_stays_where_it_was_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = Folder("runs")
    monkeypatch.chdir("/")
    folder.put("a", b"1")
    assert (tmp_path / "runs" / "a").read_bytes() == b"1"


@pytest.mark.parametrize("url", ["local", "memory://folder-race"])
def test_exclusive_put_has_one_winner_among_threads(tmp_path: Path, url: str) -> None:
    folder = Folder(str(tmp_path) if url == "local" else url)
    for number in range(20):
        name, wins = f"{number}.json", []
        barrier = threading.Barrier(16)

        def contend(me: int, name: str = name, wins: list[int] = wins, barrier: threading.Barrier = barrier) -> None:
            barrier.wait()
            if folder.put_exclusive(name, str(me).encode()):
                wins.append(me)

        threads = [threading.Thread(target=contend, args=(me,)) for me in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(wins) == 1
        assert folder.get(name) == str(wins[0]).encode()


def test_exclusive_put_has_one_winner_among_processes(tmp_path: Path) -> None:
    folder = Folder(str(tmp_path))
    barrier, wins = FORK.Barrier(16), FORK.Queue()

    def contend(me: int) -> None:
        for number in range(10):
            barrier.wait(30)
            if folder.put_exclusive(f"{number}.json", str(me).encode()):
                wins.put((number, me))

    children = [FORK.Process(target=contend, args=(me,)) for me in range(16)]
    for child in children:
        child.start()
    found = dict(wins.get(timeout=30) for _ in range(10))
    for child in children:
        child.join()
    assert wins.empty()
    assert {number: int(folder.get(f"{number}.json")) for number in range(10)} == found


def test_a_write_killed_half_way_leaves_the_old_bytes(tmp_path: Path) -> None:
    folder = Folder(str(tmp_path))
    old, new = b"old" * 1000, b"n" * (64 << 20)
    for delay in (0.0, 0.01, 0.03, 0.08):
        folder.put("data", old)

        def write() -> None:
            while True:
                folder.put("data", new)
                folder.put("data", old)

        child = FORK.Process(target=write)
        child.start()
        time.sleep(delay)
        os.kill(child.pid or 0, signal.SIGKILL)
        child.join()
        assert folder.get("data") in (old, new)
        assert folder.names() == ["data"]
        assert [name for name, _ in folder.walk()] == ["data"]


def test_a_full_disk_leaves_the_old_bytes_and_no_litter(tmp_path: Path) -> None:
    folder = Folder(str(tmp_path))
    folder.put("data", b"old")

    def fill(put: Callable[[str, bytes], object], name: str) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        put(name, b"x" * 100_000)

    assert in_child(lambda: fill(folder.put, "data")).startswith("OSError")
    assert in_child(lambda: fill(folder.put_exclusive, "new")).startswith("OSError")
    assert folder.get("data") == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_a_read_only_folder_is_an_error(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    folder = Folder(str(tmp_path))

    def write() -> None:
        if os.getuid() == 0:
            os.setuid(NOBODY)
        folder.put("a", b"")

    try:
        assert in_child(write).startswith("PermissionError")
    finally:
        tmp_path.chmod(0o755)


def test_put_over_a_folder_leaves_no_litter(tmp_path: Path) -> None:
    (tmp_path / "taken" / "inside").mkdir(parents=True)
    with pytest.raises(OSError, match="taken"):
        Folder(str(tmp_path)).put("taken", b"x")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


class Refused(Exception):
    def __init__(self, code: str, status: int = 0, message: str = "") -> None:
        super().__init__(code)
        self.response = {
            "Error": {"Code": code, "Message": message},
            "ResponseMetadata": {"HTTPStatusCode": status},
        }


@pytest.mark.parametrize(
    ("codes", "there", "won"),
    [
        (["PreconditionFailed"], b"theirs", False),
        (["PreconditionFailed"], b"mine", True),  # our first request got through, its answer did not
        (["ConditionalRequestConflict", "PreconditionFailed"], b"theirs", False),
        (["ConditionalRequestConflict"], None, True),
    ],
)
def test_answers_of_object_stores(
    monkeypatch: pytest.MonkeyPatch, codes: list[str], there: bytes | None, won: bool
) -> None:
    folder = Folder("memory://answers")
    folder.remove("a")
    if there is not None:
        folder.put("a", there)
    write = folder.fs.pipe_file
    answers = iter(codes)

    def pipe_file(path: str, data: bytes, mode: str) -> None:
        if code := next(answers, None):
            raise OSError(22, None) from Refused(code)
        write(path, data, mode=mode)

    monkeypatch.setattr(folder.fs, "pipe_file", pipe_file)
    monkeypatch.setattr("fsa_ray.storage.folder.time.sleep", lambda seconds: None)
    assert folder.put_exclusive("a", b"mine") is won
    assert folder.get("a") == (there or b"mine")


def test_other_errors_of_object_stores_are_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Folder("memory://answers")

    def pipe_file(path: str, data: bytes, mode: str) -> None:
        raise PermissionError("no") from Refused("AccessDenied")

    monkeypatch.setattr(folder.fs, "pipe_file", pipe_file)
    with pytest.raises(PermissionError):
        folder.put_exclusive("b", b"")


REFUSALS = [
    Refused("NotImplemented", 501, "A header you provided implies functionality that is not implemented."),
    Refused("501", 501),
    Refused("InvalidArgument", 400, "Unsupported header 'If-None-Match'"),
]


@pytest.mark.parametrize("refusal", REFUSALS, ids=str)
def test_a_store_that_refuses_conditions_is_taken_for_one_without(
    monkeypatch: pytest.MonkeyPatch, refusal: Refused
) -> None:
    folder = Folder("memory://refusing")
    write = folder.fs.pipe_file

    def pipe_file(path: str, data: bytes, mode: str = "overwrite") -> None:
        if mode == "create":
            raise OSError(38, "no") from refusal
        write(path, data)

    monkeypatch.setattr(folder.fs, "pipe_file", pipe_file)
    assert race.most_winners(folder) == race.RACERS
    assert folder.put_exclusive("a", b"first") and not folder.put_exclusive("a", b"second")
    assert folder.get("a") == b"first", "with nobody beside us, what is there stays"


@pytest.mark.parametrize("answer", [Refused("InvalidArgument", 400, "no key"), Refused("x", 403, "If-None-Match")])
def test_no_other_refusal_is_overwritten(monkeypatch: pytest.MonkeyPatch, answer: Refused) -> None:
    folder = Folder("memory://answers")

    def pipe_file(path: str, data: bytes, mode: str = "overwrite") -> None:
        if mode == "create":
            raise OSError(5, "no") from answer

    monkeypatch.setattr(folder.fs, "pipe_file", pipe_file)
    with pytest.raises(OSError, match="no"):
        folder.create("b", b"")

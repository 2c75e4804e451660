"""At most one driver works on a stage; one that lost its claim commits nothing."""

import json
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from fsa_ray.storage import claim as claims
from fsa_ray.storage.claim import Claim, ClaimHeld, ClaimLost, Entry, Holder, traces_of
from fsa_ray.storage.folder import Folder
from tests.unit.storage.contest import contest

FORK = multiprocessing.get_context("fork")


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(str(tmp_path / "stage"))


@pytest.fixture
def short_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "LEASE_SECONDS", 1.0)
    monkeypatch.setattr(claims, "BEAT_SECONDS", 0.2)


@contextmanager
def child(work: Callable[[Any], None]) -> Iterator[tuple[Any, Any]]:
    """A process that runs `work(pipe)`, and our end of the pipe. Killed in the end."""
    ours, theirs = FORK.Pipe()
    process = FORK.Process(target=work, args=(theirs,))
    process.start()
    try:
        yield process, ours
    finally:
        process.kill()
        process.join()


def commit(claim: Claim, pipe: Any) -> None:
    """Once told to. Raises ClaimLost, whoever sees it first: the heartbeat interrupts."""
    try:
        pipe.recv()
        claim.commit("record.json", b"by the child")
    except KeyboardInterrupt:
        claim.check()


def holding(folder: Folder) -> Callable[[Any], None]:
    def work(pipe: Any) -> None:
        with Claim.take(folder) as claim:
            pipe.send("taken")
            try:
                commit(claim, pipe)
            except ClaimLost as error:
                pipe.send(f"lost: {error}")
            else:
                pipe.send("committed")

    return work


def told(pipe: Any) -> str:
    assert pipe.poll(30)
    text: str = pipe.recv()
    return text


def test_take_commit_release_take_again(folder: Folder) -> None:
    with Claim.take(folder) as first:
        found = traces_of(folder)
        assert found is not None and found.at_work and found.holder.pid == os.getpid()
        first.commit("record.json", b"one")
        first.check()
    assert folder.get("record.json") == b"one"
    found = traces_of(folder)
    assert found is not None and not found.at_work
    with Claim.take(folder) as second:
        assert second.generation > first.generation


def test_a_driver_leaves_what_it_told_and_why_it_gave_up(folder: Folder, short_lease: None) -> None:
    assert traces_of(folder) is None
    with pytest.raises(RuntimeError), Claim.take(folder) as claim:
        claim.tell("half is done")
        deadline = time.monotonic() + 30
        while (found := traces_of(folder)) is None or not found.news:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert found.at_work and (found.news, found.error) == ("half is done", "")
        raise RuntimeError("out of luck")
    found = traces_of(folder)
    assert found is not None and not found.at_work
    assert (found.news, found.error) == ("half is done", "out of luck")
    with Claim.take(folder) as claim:
        claim.commit("record.json", b"")
    found = traces_of(folder)
    assert found is not None and (found.news, found.error) == ("", "")


def test_a_living_holder_is_named(folder: Folder) -> None:
    with child(holding(folder)) as (process, pipe):
        assert told(pipe) == "taken"
        with pytest.raises(ClaimHeld, match=f"process {process.pid} on .* works on it"):
            Claim.take(folder)
        found = traces_of(folder)
        assert found is not None and found.at_work and found.holder.pid == process.pid


def test_two_processes_at_once_have_one_winner(folder: Folder) -> None:
    barrier, results = FORK.Barrier(4), FORK.Queue()

    def contend() -> None:
        for number in range(8):
            barrier.wait(30)
            try:
                with Claim.take(folder / str(number)):
                    barrier.wait(30)
                    results.put("won")
            except ClaimHeld:
                barrier.wait(30)
                results.put("held")

    children = [FORK.Process(target=contend) for _ in range(4)]
    for one in children:
        one.start()
    found = [results.get(timeout=60) for _ in range(32)]
    for one in children:
        one.join()
    assert found.count("won") == 8


def test_a_killed_holder_is_followed_at_once(folder: Folder) -> None:
    with child(holding(folder)) as (process, pipe):
        assert told(pipe) == "taken"
        os.kill(process.pid, signal.SIGKILL)
        started = time.monotonic()
        while True:  # until the kernel has ended it; we do not wait for it, so it stays a zombie
            try:
                claim = Claim.take(folder)
                break
            except ClaimHeld:
                assert time.monotonic() - started < 5
                time.sleep(0.01)
        with claim:
            assert claim.generation == 2


def test_a_stopped_holder_is_followed_after_the_lease_and_cannot_commit(folder: Folder, short_lease: None) -> None:
    with child(holding(folder)) as (process, pipe):
        assert told(pipe) == "taken"
        os.kill(process.pid, signal.SIGSTOP)
        with pytest.raises(ClaimHeld):
            Claim.take(folder)
        time.sleep(1.3)
        with Claim.take(folder) as claim:
            pipe.send("commit now")
            os.kill(process.pid, signal.SIGCONT)
            try:
                answer = told(pipe)
            except EOFError:
                answer = "lost: interrupted first"
            assert answer.startswith("lost")
            assert not folder.exists("record.json")
            claim.commit("record.json", b"by us")
    assert folder.get("record.json") == b"by us"


def test_a_holder_stopped_between_seal_and_record_has_committed(folder: Folder, short_lease: None) -> None:
    def work(pipe: Any) -> None:
        def stop_first(entry: Entry, folder: Folder) -> None:
            os.kill(os.getpid(), signal.SIGSTOP)
            folder.put_exclusive(entry.name or "", entry.text.encode())

        Entry.finish = stop_first  # type: ignore[method-assign]
        holding(folder)(pipe)

    with child(work) as (process, pipe):
        assert told(pipe) == "taken"
        pipe.send("commit now")
        time.sleep(1.5)
        assert not folder.exists("record.json")
        with Claim.take(folder):
            assert folder.get("record.json") == b"by the child"
        os.kill(process.pid, signal.SIGCONT)
        assert told(pipe) == "committed"
    assert folder.get("record.json") == b"by the child"


def test_what_a_killed_driver_sealed_is_written_by_the_next(folder: Folder) -> None:
    dead = Holder(claims._host(), 2**22 + 1, 1.0, "token")
    assert Entry(dead).write(folder / "claims", 1)
    assert Entry(dead, "record.json", "sealed").write(folder / "claims", 2)
    with Claim.take(folder):
        assert folder.get("record.json") == b"sealed"


def test_a_record_removed_by_hand_does_not_come_back(folder: Folder) -> None:
    with Claim.take(folder) as claim:
        claim.commit("record.json", b"one")
    folder.remove("record.json")
    with Claim.take(folder):
        assert not folder.exists("record.json")


def test_commit_and_take_over_never_both_succeed(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "LEASE_SECONDS", -1.0)  # everybody seems silent
    for number in range(60):
        contest(folder / str(number), 0.0002 * (number % 30) if number % 3 else 0.0)


@pytest.mark.parametrize("ctrl_c", [signal.default_int_handler, signal.SIG_IGN], ids=["heard", "ignored"])
def test_losing_the_claim_interrupts_the_main_thread(folder: Folder, short_lease: None, ctrl_c: Any) -> None:
    before = signal.signal(signal.SIGINT, ctrl_c)  # a shell's background jobs ignore it
    try:
        claim = Claim.take(folder)
        Entry(Holder("elsewhere", 1, 1.0, "theirs")).write(folder / "claims", 2)
        with pytest.raises(KeyboardInterrupt), claim:
            time.sleep(10)
    finally:
        signal.signal(signal.SIGINT, before)
    assert signal.getsignal(signal.SIGUSR2) is signal.SIG_DFL
    with pytest.raises(ClaimLost, match="process 1 on elsewhere has taken"):
        claim.check()


def test_the_heartbeat_keeps_the_claim_through_trouble(
    folder: Folder, short_lease: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    put, troubles = Folder.put, iter([RuntimeError("connection lost"), OSError("no route")])

    def troubled(self: Folder, name: str, data: bytes) -> None:
        if name.endswith(".beat") and (error := next(troubles, None)):
            raise error
        put(self, name, data)

    with Claim.take(folder):
        monkeypatch.setattr(Folder, "put", troubled)
        time.sleep(1.6)
        with pytest.raises(ClaimHeld):
            Claim.take(folder)


def test_release_on_a_full_disk_does_not_hide_the_cause(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Folder, name: str, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(RuntimeError, match="the cause"), Claim.take(folder):
        monkeypatch.setattr(Folder, "put", full)
        raise RuntimeError("the cause")


def test_a_process_id_used_again_and_one_of_another_host(folder: Folder) -> None:
    me = Holder.me()
    assert not me.dead_here()
    assert Holder(me.host, me.pid, me.born - 5, "t").dead_here()
    assert not Holder("elsewhere/boot/pid", me.pid, me.born - 5, "t").dead_here()
    Entry(Holder("elsewhere/boot/pid", 1, 1.0, "t")).write(folder / "claims", 1)
    with pytest.raises(ClaimHeld, match="process 1 on elsewhere works on it"):
        Claim.take(folder)


def test_a_claim_whose_folder_was_removed_is_lost(folder: Folder, short_lease: None) -> None:
    with Claim.take(folder) as claim:
        claim._stop.set()
        claim._thread.join()
        folder.remove("claims")
        with pytest.raises(ClaimLost):
            claim.commit("record.json", b"")
        assert folder.names() == []


def test_entries_are_plain_json(folder: Folder) -> None:
    with Claim.take(folder):
        document = json.loads((folder / "claims").get("000001.json"))
    assert set(document) == {"holder", "name", "text"}
    assert set(document["holder"]) == {"host", "pid", "born", "token"}

"""Claims on a real object store: one driver at a time, take-over, and commits that exclude each other."""

import multiprocessing
import os
import signal
import threading
import time
from typing import Any

import pytest

from fsa_ray.storage import claim as claims
from fsa_ray.storage.claim import Claim, ClaimHeld, ClaimLost, Holder, traces_of
from fsa_ray.storage.folder import Folder
from tests.object_store import Server
from tests.unit.storage.contest import contest

SPAWN = multiprocessing.get_context("spawn")


def hold(folder: Folder, pipe: Any) -> None:
    with Claim.take(folder):
        pipe.send("taken")
        time.sleep(600)


def test_a_killed_driver_is_followed_at_once(root: Folder) -> None:
    ours, theirs = SPAWN.Pipe()
    child = SPAWN.Process(target=hold, args=(root, theirs))
    child.start()
    try:
        assert ours.poll(60) and ours.recv() == "taken"
        with pytest.raises(ClaimHeld, match=f"process {child.pid} on .* works on it"):
            Claim.take(root)
        os.kill(child.pid or 0, signal.SIGKILL)
        child.join()
        with Claim.take(root) as claim:
            claim.commit("record.json", b"ours")
        assert (claim.generation, root.get("record.json")) == (2, b"ours")
    finally:
        child.kill()


def test_a_silent_driver_of_another_host_is_followed_and_commits_nothing(
    root: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "BEAT_SECONDS", 600.0)
    monkeypatch.setattr(Holder, "dead_here", lambda self: False)  # as of another host
    first = Claim.take(root)
    with pytest.raises(ClaimHeld):
        Claim.take(root)
    monkeypatch.setattr(claims, "LEASE_SECONDS", 2.0)
    time.sleep(4)  # the store tells whole seconds
    with Claim.take(root) as second:
        with pytest.raises(ClaimLost, match="has taken the stage over; nothing was committed"):
            first.commit("record.json", b"too late")
        assert not root.exists("record.json")
        second.commit("record.json", b"in time")
    first.__exit__(None, None, None)
    assert root.get("record.json") == b"in time"


def test_commit_and_take_over_never_both_succeed(root: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "LEASE_SECONDS", -10.0)  # everybody seems silent
    for number in range(6):
        contest(root / str(number), 0.02 * number)


def test_a_claim_outlives_the_store_s_death(server: Server, root: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "BEAT_SECONDS", 0.3)
    with Claim.take(root) as claim:
        server.kill()
        restart = threading.Timer(1.0, server.start)
        restart.start()
        try:
            claim.commit("record.json", b"through it all")  # waits for the store
        finally:
            restart.join()
        claim.check()
    assert root.get("record.json") == b"through it all"
    traces = traces_of(root)
    assert traces is not None and not traces.at_work

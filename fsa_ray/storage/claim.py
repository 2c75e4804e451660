"""The claim on a stage: at most one driver works on it, and one that lost it can commit nothing.

A claim is a generation: `claims/000007.json`, made by exclusive create. The highest generation owns the stage.
Its owner rewrites `000007.beat` every few seconds. Who finds a generation whose beat stopped, or whose process is
dead on this host, makes the next generation; the old owner finds out before it commits.
"""

import json
import os
import socket
import threading
import uuid
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from types import TracebackType

import psutil

from fsa_ray.storage.folder import Folder

BEAT_SECONDS = 5.0
LEASE_SECONDS = 45.0


class ClaimHeld(Exception):
    """Somebody else works on the stage."""


class ClaimLost(Exception):
    """Somebody else took the stage over while we worked."""


@dataclass(frozen=True)
class Holder:
    """Who holds a claim. `born` (process start, seconds) tells a process from a later one with the same pid."""

    host: str
    pid: int
    born: float
    token: str

    @classmethod
    def me(cls) -> "Holder":
        return cls(_host(), os.getpid(), psutil.Process().create_time(), uuid.uuid4().hex)

    def dead_here(self) -> bool:
        """True only if this is the holder's host and its process is gone."""
        if self.host != _host():
            return False
        try:
            return abs(psutil.Process(self.pid).create_time() - self.born) > 1.0
        except psutil.NoSuchProcess:
            return True

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host.split('/')[0]}"


class Claim(AbstractContextManager["Claim"]):
    """Take with `Claim.take(folder)`; use as a context manager. `generation` counts the attempts on the stage."""

    def __init__(self, folder: Folder, generation: int) -> None:
        self.generation = generation
        self._folder = folder
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True, name="claim-heartbeat")

    @classmethod
    def take(cls, folder: Folder) -> "Claim":
        """Raises ClaimHeld, naming the holder, if its beat is younger than the lease."""
        folder = folder / "claims"
        generation = _latest(folder)
        if generation and not _is_free(folder, generation):
            holder = _holder(folder, generation)
            raise ClaimHeld(f"{holder} works on it (its sign of life is younger than {LEASE_SECONDS:.0f} s)")
        claim = cls(folder, generation + 1)
        me = Holder.me()
        if not folder.put_exclusive(_name(claim.generation), json.dumps(asdict(me)).encode()):
            raise ClaimHeld(f"{_holder(folder, claim.generation)} was a moment faster")
        folder.put(_beat_name(claim.generation), b"")
        claim._thread.start()
        return claim

    def check(self) -> None:
        """Raises ClaimLost if a later generation exists."""
        latest = _latest(self._folder)
        if latest != self.generation:
            raise ClaimLost(f"{_holder(self._folder, latest)} has taken the stage over; nothing was committed")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        self._folder.put(_done_name(self.generation), b"")

    def _beat(self) -> None:
        while not self._stop.wait(BEAT_SECONDS):
            try:
                self._folder.put(_beat_name(self.generation), b"")
            except OSError:  # a storage hiccup costs a beat, not the run; a long one costs the claim
                continue


def holder_of(folder: Folder) -> Holder | None:
    """Who holds the claim on a stage's folder, as far as can be seen without writing; None if nobody does."""
    claims = folder / "claims"
    generation = _latest(claims)
    if not generation or claims.exists(_done_name(generation)):
        return None
    holder = _holder(claims, generation)
    return None if holder.dead_here() else holder


def _is_free(folder: Folder, generation: int) -> bool:
    if folder.exists(_done_name(generation)) or _holder(folder, generation).dead_here():
        return True
    probe = f"probe-{uuid.uuid4().hex}"
    folder.put(probe, b"")  # both times come from the storage's clock, so hosts need not agree
    try:
        now = folder.modified(probe)
        seen = [folder.modified(_name(generation))]
        if folder.exists(_beat_name(generation)):
            seen.append(folder.modified(_beat_name(generation)))
        return (now - max(seen)).total_seconds() > LEASE_SECONDS
    finally:
        folder.remove(probe)


def _latest(folder: Folder) -> int:
    return max((int(name[:6]) for name in folder.names() if name.endswith(".json")), default=0)


def _holder(folder: Folder, generation: int) -> Holder:
    return Holder(**json.loads(folder.get(_name(generation))))


def _host() -> str:
    """Host name and boot id: containers on one machine may share a name, a rebooted host its process ids."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as stream:  # noqa: PTH123
            boot = stream.read().strip()
    except OSError:
        boot = str(psutil.boot_time())
    return f"{socket.gethostname()}/{boot}"


def _name(generation: int) -> str:
    return f"{generation:06d}.json"


def _beat_name(generation: int) -> str:
    return f"{generation:06d}.beat"


def _done_name(generation: int) -> str:
    return f"{generation:06d}.released"

"""The claim on a stage: at most one driver works on it, and one that lost it can commit nothing.

The claims of a stage are a log: `claims/000007.json`, made by exclusive create. The last entry owns the stage. Its
owner rewrites `000007.beat` every few seconds, with what it has to tell. Who finds an owner that stopped to do so, or
whose process is dead on this host, makes the next entry. A commit is the next entry too, a seal that holds what is to
be committed: so a driver that commits and one that takes over want the same file name, and exactly one of them gets
it, however long either was asleep. What a dead driver has sealed and not written, the next one writes.
"""

import json
import os
import signal
import socket
import threading
import uuid
from collections.abc import Iterable
from contextlib import AbstractContextManager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any

import psutil

from fsa_ray.storage.folder import Folder

BEAT_SECONDS = 5.0
LEASE_SECONDS = 45.0
CLAIMS = "claims"
_LOST = signal.SIGUSR2
"""Interrupts the main thread. SIGINT might not: a shell starts background jobs with that ignored."""


class ClaimHeld(Exception):
    """Somebody else works on the stage."""


class ClaimLost(Exception):
    """Somebody else took the stage over while we worked."""


@dataclass(frozen=True)
class Holder:
    """Who holds a claim. `born` (process start, seconds since boot) tells a process from a later one with its pid."""

    host: str
    pid: int
    born: float
    token: str

    @classmethod
    def me(cls) -> "Holder":
        return cls(_host(), os.getpid(), _born(psutil.Process()), uuid.uuid4().hex)

    def dead_here(self) -> bool:
        """True only if this is the holder's host and its process is gone."""
        if self.host != _host():
            return False
        try:
            process = psutil.Process(self.pid)
            return process.status() == psutil.STATUS_ZOMBIE or abs(_born(process) - self.born) > 1.0
        except psutil.NoSuchProcess:
            return True

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host.split('/')[0]}"


@dataclass(frozen=True)
class Entry:
    """One entry of the log. A seal has the name and the text of the file that it commits."""

    holder: Holder
    name: str | None = None
    text: str = ""

    @classmethod
    def read(cls, claims: Folder, number: int) -> "Entry":
        document = json.loads(claims.get(_name(number)))
        return cls(Holder(**document["holder"]), document["name"], document["text"])

    def write(self, claims: Folder, number: int) -> bool:
        return claims.put_exclusive(_name(number), json.dumps(asdict(self)).encode("utf-8"))

    def finish(self, folder: Folder) -> None:
        """Write what a seal holds. Everybody who does so writes the same."""
        if self.name is not None:
            folder.put_exclusive(self.name, self.text.encode("utf-8"))


class Claim(AbstractContextManager["Claim"]):
    """Take with `Claim.take(folder)`; use as a context manager. `generation` grows from attempt to attempt.

    Once the claim is seen to be lost, the main thread is interrupted as by Ctrl-C, if it took the claim.
    """

    def __init__(self, folder: Folder, generation: int, me: Holder) -> None:
        self.generation = generation
        self._folder = folder
        self._claims = folder / CLAIMS
        self._me = me
        self._last = generation  # our last entry
        self._news = b""
        self._stop = threading.Event()
        self._interrupts = threading.current_thread() is threading.main_thread()
        self._before: Any = None  # what _LOST did until then
        self._thread = threading.Thread(target=self._beat, daemon=True, name="claim-heartbeat")

    @classmethod
    def take(cls, folder: Folder) -> "Claim":
        """Finishes what a dead driver has sealed. Raises ClaimHeld, naming the holder, if it shows signs of life."""
        claims = folder / CLAIMS
        last = _latest(claims)
        if last and not claims.exists(_done_name(last)):
            entry = Entry.read(claims, last)
            if not (entry.holder.dead_here() or _is_silent(claims, last)):
                raise ClaimHeld(f"{entry.holder} works on it (its sign of life is younger than {LEASE_SECONDS:.0f} s)")
            entry.finish(folder)
        claim = cls(folder, last + 1, Holder.me())
        if not Entry(claim._me).write(claims, claim.generation):
            raise ClaimHeld(f"{Entry.read(claims, claim.generation).holder} was a moment faster")
        claims.put(_beat_name(claim.generation), b"")
        if claim._interrupts:
            claim._before = signal.signal(_LOST, signal.default_int_handler)
        claim._thread.start()
        return claim

    def tell(self, news: str) -> None:
        """What the next heartbeat says of the work, instead of what the last one said; see `traces_of`."""
        self._news = news.encode("utf-8")

    def check(self) -> None:
        """Raises ClaimLost if somebody else has made a later entry."""
        last = _latest(self._claims)
        holder = Entry.read(self._claims, last).holder if last else None
        if holder is None or holder.token != self._me.token:
            raise ClaimLost(f"{holder or 'somebody'} has taken the stage over; nothing was committed")

    def commit(self, name: str, data: bytes) -> None:
        """Write `name` in the claimed folder. Raises ClaimLost, having written nothing, if the claim was lost."""
        self.check()  # the log may have been removed; the seal alone would not notice
        seal = Entry(self._me, name, data.decode("utf-8"))
        if not seal.write(self._claims, self._last + 1):
            self.check()
        self._last += 1
        seal.finish(self._folder)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        if self._interrupts:
            signal.signal(_LOST, self._before or signal.SIG_DFL)
        why = str(error) or type(error).__name__ if isinstance(error, Exception) else ""
        with suppress(OSError):  # a full disk must not hide why we stopped; the lease ends by itself
            self._claims.put(_done_name(self._last), why.encode("utf-8", "replace"))

    def _beat(self) -> None:
        while not self._stop.wait(BEAT_SECONDS):
            try:
                self._claims.put(_beat_name(self._last), self._news)
                self.check()
            except ClaimLost:
                if self._interrupts and not self._stop.is_set():
                    signal.pthread_kill(threading.main_thread().ident or 0, _LOST)
                return
            except Exception:  # noqa: S112 whatever the storage raises costs a beat, not the run; a long trouble the claim
                continue


@dataclass(frozen=True)
class Traces:
    """What the last driver of a stage has left of itself.

    `news`: what its last heartbeat told. `error`: why it gave up, empty if it did not or was interrupted. `seen`: its
    last sign of life, by the storage's clock.
    """

    holder: Holder
    news: str
    released: bool
    error: str
    seen: datetime

    @property
    def at_work(self) -> bool:
        """As far as can be told from here: of a holder that died on another host, only time tells."""
        return not self.released and not self.holder.dead_here()


def traces_of(folder: Folder) -> Traces | None:
    """Of the last driver that claimed a stage's folder, without writing; None if there was none."""
    claims = folder / CLAIMS
    names = set(claims.names())
    last = _last_of(names)
    if not last:
        return None
    entry, released = Entry.read(claims, last), _done_name(last) in names
    told = last if entry.name is None else last - 1  # a seal is young: its driver spoke under the entry before
    news, sign = "", _name(last)
    with suppress(FileNotFoundError):  # asked for, not listed: a list may miss a file that is being replaced
        news, sign = claims.get(_beat_name(told)).decode("utf-8"), _beat_name(told)
    sign = _done_name(last) if released else sign
    error = claims.get(sign).decode("utf-8") if released else ""
    return Traces(entry.holder, news, released, error, claims.modified(sign))


def _is_silent(claims: Folder, number: int) -> bool:
    probe = f"probe-{uuid.uuid4().hex}"
    claims.put(probe, b"")  # both times come from the storage's clock, so hosts need not agree
    try:
        now = claims.modified(probe)
        seen = [claims.modified(_name(number))]
        if claims.exists(_beat_name(number)):
            seen.append(claims.modified(_beat_name(number)))
        return (now - max(seen)).total_seconds() > LEASE_SECONDS
    finally:
        claims.remove(probe)


def _latest(claims: Folder) -> int:
    return _last_of(claims.names())


def _last_of(names: Iterable[str]) -> int:
    return max((int(name[:6]) for name in names if name.endswith(".json")), default=0)


def _born(process: psutil.Process) -> float:
    return process.create_time() - psutil.boot_time()  # a step of the clock moves both


def _host() -> str:
    """Host name, boot and process namespace: containers may share a name, a rebooted host its process ids."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        processes = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        boot, processes = str(psutil.boot_time()), ""
    return f"{socket.gethostname()}/{boot}/{processes}"


def _name(generation: int) -> str:
    return f"{generation:06d}.json"


def _beat_name(generation: int) -> str:
    return f"{generation:06d}.beat"


def _done_name(generation: int) -> str:
    return f"{generation:06d}.released"

"""How far a training run is, told from its workers to the driver through a small file beside the checkpoints."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

from fsa_ray.core.beat import Beat
from fsa_ray.storage.folder import Folder
from fsa_ray.training.metrics import StepLine

NAME = "pulse.json"
EVERY_SECONDS = 5.0


class Pulse:
    """The worker's side. Only rank 0 tells, and at most every few seconds."""

    def __init__(self, folder: Folder, rank: int) -> None:
        self._folder = folder
        self._silent = rank != 0
        self._last = self._begun = time.monotonic()
        self._first: int | None = None

    def beat(self, lines: Sequence[StepLine], steps: int) -> None:
        """After each step; `lines` are those of all steps so far, of `steps` in all."""
        now = time.monotonic()
        if self._first is None:
            self._first, self._begun = len(lines), now
        if self._silent or now - self._last < EVERY_SECONDS or len(lines) == self._first:
            return
        self._last = now
        beat = Beat(
            noun="steps",
            done=len(lines),
            total=steps,
            per_second=(len(lines) - self._first) / (now - self._begun),
            tokens_trained=sum(line.tokens for line in lines),
            loss=lines[-1].loss,
        )
        with suppress(OSError):  # news are not worth a failed run
            self._folder.put(NAME, beat.model_dump_json().encode("utf-8"))


@contextmanager
def told(folder: Folder, tell: Callable[[Beat], None]) -> Iterator[None]:
    """The driver's side: passes on what the workers tell while the block runs."""
    done = threading.Event()

    def listen() -> None:
        last: Beat | None = None
        while not done.wait(EVERY_SECONDS):
            with suppress(OSError):
                beat = Beat.model_validate_json(folder.get(NAME))
                if beat != last:
                    tell(beat)
                last = beat

    with suppress(OSError):
        folder.remove(NAME)
    listener = threading.Thread(target=listen, daemon=True, name="training-pulse")
    listener.start()
    try:
        yield
    finally:
        done.set()
        listener.join()

"""What the groups of workers of one training run did, one after the other: notes beside the checkpoints.

Each note is a file that only its writer replaces. They outlive workers and drivers, so that a run's record tells of
all that was redone on its way.
"""

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from fsa_ray.storage.folder import Folder

EVERY_SECONDS = 5.0


class Note(BaseModel):
    """Of one worker, about its group."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    attempt: str  # the group's name
    workers: int
    began: int  # steps that were done when it began
    reached: int  # steps done when the note was written
    drained: bool = False  # it left off because a machine was going


@dataclass(frozen=True)
class Account:
    """What a run cost beyond what came out. `steps_redone` misses what the last seconds of a group did whose first
    worker vanished with the others."""

    steps_redone: int
    restarts: int  # groups after the first one
    preemptions: int  # of the restarts: groups that made room for announced losses

    @classmethod
    def of(cls, progress: Folder, steps: int) -> "Account":
        """Of a run that came to `steps`."""
        groups: dict[str, list[Note]] = {}
        for note in _notes(progress):
            groups.setdefault(note.attempt, []).append(note)
        taken = sum(max(note.reached for note in notes) - notes[0].began for notes in groups.values())
        return cls(
            steps_redone=max(taken - steps, 0),
            restarts=max(len(groups) - 1, 0),
            preemptions=sum(any(note.drained for note in notes) for notes in groups.values()),
        )


class Notebook:
    """One worker's side. The first notes at once and every few seconds, each one when it ends, however it ends."""

    def __init__(self, progress: Folder, rank: int, attempt: str, workers: int, began: int) -> None:
        self._folder, self._rank = _folder(progress), rank
        self._note = Note(attempt=attempt, workers=workers, began=began, reached=began)
        self._last = time.monotonic()
        if rank == 0:
            self._put()

    def step(self, reached: int) -> None:
        self._note = self._note.model_copy(update={"reached": reached})
        if self._rank == 0 and time.monotonic() - self._last >= EVERY_SECONDS:
            self._put()

    def end(self, *, drained: bool = False) -> None:
        self._note = self._note.model_copy(update={"drained": drained})
        self._put()

    def _put(self) -> None:
        self._last = time.monotonic()
        with suppress(OSError):  # an account is not worth a failed run
            self._folder.put(f"{self._note.attempt}-{self._rank}.json", self._note.model_dump_json().encode("utf-8"))


def _folder(progress: Folder) -> Folder:
    return progress / "attempts"


def _notes(progress: Folder) -> Iterator[Note]:
    folder = _folder(progress)
    return (Note.model_validate_json(folder.get(name)) for name in folder.names())

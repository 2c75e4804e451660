"""Checkpoints on their way to storage, while training goes on."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ray.train

IN_FLIGHT = 2
"""Checkpoints of a worker that wait for storage: with more, a slow one would fill the local disk."""


class Uploads:
    """Ray Train copies them in a thread of its own, in their order, and tries again what may be mended so. A copy that
    fails in the end takes the whole group of workers with it, and those that wait for it too.

    `done` runs in that thread after each copy.
    """

    def __init__(self, done: Callable[[], None]) -> None:
        self._done = done
        self._free = threading.Semaphore(IN_FLIGHT)

    def begin(self, directory: Path, name: str, metrics: dict[str, Any]) -> None:
        """Every worker calls it with a directory of its own, which is removed after it was copied to `name`."""
        self._free.acquire()
        ray.train.report(
            metrics,
            checkpoint=ray.train.Checkpoint.from_directory(directory),
            checkpoint_dir_name=name,
            checkpoint_upload_mode=ray.train.CheckpointUploadMode.ASYNC,
            checkpoint_upload_fn=self._copy,
            delete_local_checkpoint_after_upload=True,
        )

    def wait(self) -> None:
        """Until all are copied."""
        for _ in range(IN_FLIGHT):
            self._free.acquire()
        self._free.release(IN_FLIGHT)

    def _copy(self, checkpoint: Any, name: str) -> Any:
        copied = ray.train.get_context().get_storage().persist_current_checkpoint(checkpoint, name)
        self._done()
        self._free.release()
        return copied

"""Training goes on while checkpoints are copied, and waits only when too many are under way."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest
import ray.train

from fsa_ray.training.uploads import IN_FLIGHT, Uploads


class SlowStorage:
    """Copies when told to; a thread of its own asks it to, as Ray Train's does."""

    def __init__(self) -> None:
        self.allowed = threading.Semaphore(0)
        self.copied: list[str] = []
        self.tries = 0
        self.fails_at: int | None = None
        self.thread = ThreadPoolExecutor(1)

    def persist_current_checkpoint(self, checkpoint: object, name: str) -> object:
        self.allowed.acquire()
        self.tries += 1
        if self.tries == self.fails_at:
            raise OSError("AWS Error SLOW_DOWN")
        self.copied.append(name)
        return checkpoint

    def report(self, metrics: dict, *, checkpoint: object, checkpoint_dir_name: str, **options: object) -> None:
        assert options["checkpoint_upload_mode"] == ray.train.CheckpointUploadMode.ASYNC
        self.thread.submit(self.copy, options["checkpoint_upload_fn"], checkpoint, checkpoint_dir_name)

    def copy(self, upload: Callable[[object, str], object], checkpoint: object, name: str) -> None:
        try:
            upload(checkpoint, name)
        except OSError:
            upload(checkpoint, name)


@pytest.fixture
def storage(monkeypatch: pytest.MonkeyPatch) -> SlowStorage:
    slow = SlowStorage()
    monkeypatch.setattr(ray.train, "report", slow.report)
    monkeypatch.setattr(ray.train, "get_context", lambda: SimpleNamespace(get_storage=lambda: slow))
    return slow


def test_training_waits_for_storage_only_when_too_many_are_under_way(storage: SlowStorage, tmp_path: Path) -> None:
    done: list[int] = []
    uploads = Uploads(lambda: done.append(len(storage.copied)))
    for number in range(IN_FLIGHT):
        uploads.begin(tmp_path, f"step-{number}", {})
    assert storage.copied == []
    another = threading.Thread(target=uploads.begin, args=(tmp_path, "more", {}))
    another.start()
    another.join(0.2)
    assert another.is_alive()
    storage.allowed.release()
    another.join(5)
    assert not another.is_alive() and storage.copied == ["step-0"]
    storage.allowed.release(IN_FLIGHT)
    uploads.wait()
    assert storage.copied == [*(f"step-{number}" for number in range(IN_FLIGHT)), "more"]
    assert done == [1, 2, 3]


def test_a_copy_that_is_tried_again_counts_once(storage: SlowStorage, tmp_path: Path) -> None:
    uploads = Uploads(lambda: None)
    storage.fails_at = 1
    for number in range(IN_FLIGHT):
        uploads.begin(tmp_path, f"step-{number}", {})
    storage.allowed.release(2)
    waiting = threading.Thread(target=uploads.wait)
    waiting.start()
    deadline = time.monotonic() + 10
    while not storage.copied and time.monotonic() < deadline:
        time.sleep(0.01)
    assert waiting.is_alive() and storage.copied == ["step-0"]
    storage.allowed.release()
    waiting.join(5)
    assert not waiting.is_alive() and storage.copied == ["step-0", "step-1"]

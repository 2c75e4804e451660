"""The pulse of a training run: from rank 0 through storage to the driver."""

import threading
import time
from pathlib import Path

import pytest

from fsa_ray.core.beat import Beat
from fsa_ray.storage.folder import Folder
from fsa_ray.training import pulse
from fsa_ray.training.metrics import StepLine


def lines(count: int) -> list[StepLine]:
    return [
        StepLine(step=n + 1, loss=2.0 - n / 10, lr=0.1, answer_tokens=5, tokens=20, grad_norm=None, seconds=0.1)
        for n in range(count)
    ]


def test_the_driver_hears_what_rank_0_tells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, heard, arrived = Folder(str(tmp_path)), list[Beat](), threading.Event()
    monkeypatch.setattr(pulse, "EVERY_SECONDS", 0.01)

    def hear(beat: Beat) -> None:
        heard.append(beat)
        arrived.set()

    folder.put(pulse.NAME, b"of an earlier attempt")
    with pulse.told(folder, hear):
        workers = [pulse.Pulse(folder, rank) for rank in (0, 1)]
        for count in (3, 4):  # resumed at the third step
            time.sleep(0.02)
            for worker in workers:
                worker.beat(lines(count), 10)
        assert arrived.wait(30)
    (beat,) = heard
    assert (beat.noun, beat.done, beat.total, beat.tokens_trained) == ("steps", 4, 10, 80)
    assert beat.loss == pytest.approx(1.7) and beat.per_second > 0
    assert str(beat).startswith("4/10 steps, loss 1.700, ")

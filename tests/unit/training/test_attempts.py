from pathlib import Path

from fsa_ray.storage.folder import Folder
from fsa_ray.training.attempts import Account, Notebook


def test_an_undisturbed_run_redid_nothing(tmp_path: Path) -> None:
    progress = Folder(str(tmp_path))
    book = Notebook(progress, 0, "only", 2, 0)
    book.step(30)
    book.end()
    assert Account.of(progress, 30) == Account(steps_redone=0, restarts=0, preemptions=0)


def test_steps_after_the_last_checkpoint_are_counted_even_if_the_first_worker_vanished(tmp_path: Path) -> None:
    progress = Folder(str(tmp_path))
    Notebook(progress, 0, "lost", 2, 0).step(17)  # a fresh note says 0: it died before the next one
    survivor = Notebook(progress, 1, "lost", 2, 0)
    survivor.step(17)
    survivor.end()
    drained = Notebook(progress, 0, "drained", 1, 10)
    drained.step(23)
    drained.end(drained=True)
    last = Notebook(progress, 0, "last", 2, 23)
    last.step(30)
    last.end()
    assert Account.of(progress, 30) == Account(steps_redone=7, restarts=2, preemptions=1)

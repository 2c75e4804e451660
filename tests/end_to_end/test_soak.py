"""A run whose driver is killed again and again, wherever it happens to be."""

import random
import signal
import time
from pathlib import Path

import pytest

from tests.end_to_end.conftest import SPEC, Cli
from tests.end_to_end.test_crashes import COMMON, document_of_verify, folder_of, start

pytestmark = [pytest.mark.slow, pytest.mark.engine, pytest.mark.timeout(1800)]

KILLS = 3


def test_a_driver_that_dies_again_and_again_loses_and_doubles_nothing(smoke: Path, cli: Cli, house: Path) -> None:
    change = ("--set", "name=soaked", "--set", "corpus.invented=400", "--set", "train.checkpoint_every=4")
    leave = ("--allow", "teach", "--allow", "student", "--until", "student")
    chance, killed = random.Random(0), []
    for _ in range(KILLS):
        driver = start(house, *change, *leave)
        time.sleep(chance.uniform(8, 30))
        if driver.poll() is not None:
            assert driver.returncode == 0, (house / "crash.log").read_text()[-3000:]
            break
        driver.send_signal(signal.SIGKILL)
        killed.append(driver.wait())
    assert len(killed) >= 2, "it was done before it was disturbed"
    done = cli("run", str(SPEC), *COMMON, *change, *leave)
    assert done.returncode == 0, done.stderr[-3000:]
    assert all(check["passed"] for check in document_of_verify(cli, "soaked"))
    assert (smoke / folder_of(cli, "soaked", "student") / "record.json").exists()

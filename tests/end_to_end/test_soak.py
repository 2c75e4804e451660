"""A run whose driver is killed again and again: early and late in teaching, and in training."""

import signal
from pathlib import Path

import pytest

from tests.end_to_end.conftest import SPEC, Cli, document
from tests.end_to_end.test_crashes import COMMON, digests, document_of_verify, start, wait_for
from tests.ray.train_driver import newest_step

pytestmark = [pytest.mark.slow, pytest.mark.engine, pytest.mark.timeout(1800)]


def test_a_driver_that_dies_again_and_again_loses_and_doubles_nothing(smoke: Path, cli: Cli, house: Path) -> None:
    change = ("--set", "name=soaked", "--set", "corpus.invented=400", "--set", "train.checkpoint_every=4")
    leave = ("--allow", "teach", "--allow", "student", "--until", "student")
    planned = document(cli("plan", str(SPEC), *COMMON, *change, "--json"))["stages"]
    folders = {stage["label"]: smoke / stage["folder"] for stage in planned}
    units = folders["teach"] / "progress" / "round-0" / "units"
    checkpoints = folders["student"] / "progress" / "checkpoints"
    stored: dict[str, str] = {}
    for moment in (
        lambda: len(digests(units)) >= 2,
        lambda: len(digests(units)) >= 6,
        lambda: newest_step(checkpoints) > 0,
    ):
        driver = start(house, *change, *leave)
        wait_for(moment, driver)
        driver.send_signal(signal.SIGKILL)
        driver.wait()
        assert stored.items() <= digests(units).items(), "committed rows changed"
        stored = digests(units)
    done = cli("run", str(SPEC), *COMMON, *change, *leave)
    assert done.returncode == 0, done.stderr[-3000:]
    assert digests(units) == stored, "all was taught before the last one died"
    finished = {
        stage["label"] for stage in document(cli("show", "soaked", "--json"))["stages"] if stage["state"] == "done"
    }
    checks = [check for check in document_of_verify(cli, "soaked") if check["label"] in finished]
    assert {"teach", "parse", "student"} <= {check["label"] for check in checks}
    assert all(check["passed"] for check in checks)

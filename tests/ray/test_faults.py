"""Engines that die, cannot start or want what is not there, and drivers that are killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
import ray
from ray import serve

from fsa_ray.engine.application import EngineFailed, replica_pids
from fsa_ray.engine.placement import EnginePlacement, RayPlacement
from fsa_ray.engine.run_units import ask
from fsa_ray.engine.session import Engine, ModelSettings, Session
from fsa_ray.engine.units import UnitFolder
from fsa_ray.storage.folder import Folder
from tests.ray import crash_driver, leaving_driver
from tests.ray.echo import Echo, ids, source

pytestmark = pytest.mark.engine


def test_a_missing_model_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"nowhere: not a model directory"):
        Session().engine(ModelSettings(model=str(tmp_path / "nowhere")), EnginePlacement())


def test_missing_gpus_are_refused_at_once(ray_session: Session, tiny_model: str) -> None:
    began = time.monotonic()
    with pytest.raises(ValueError, match=r"2 x \(1 CPU, 8 GPU\).*this Ray has .* 0 GPU and room for 0"):
        ray_session.engine(ModelSettings(model=tiny_model), EnginePlacement(device="gpu", gpus=8, replicas=2))
    assert time.monotonic() - began < 5


def test_resources_that_never_come_end_in_time(ray_session: Session, tiny_model: str) -> None:
    growing = Session(RayPlacement(autoscaling=True))
    with pytest.raises(EngineFailed, match=r"start_timeout_s is 6 s.*Free now"):
        growing.engine(ModelSettings(model=tiny_model), EnginePlacement(cpus=500, start_timeout_s=6))


def test_a_worker_that_never_finishes_leaving_ends_with_the_session(tmp_path: Path) -> None:
    command = [sys.executable, leaving_driver.__file__, str(tmp_path / "pid")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    with suppress(psutil.NoSuchProcess):
        assert psutil.Process(int((tmp_path / "pid").read_text())).status() == psutil.STATUS_ZOMBIE


@pytest.mark.slow
def test_an_engine_that_cannot_start_tells_why(ray_session: Session, tiny_model: str) -> None:
    settings = ModelSettings(model=tiny_model, max_model_len=100_000)
    with pytest.raises(EngineFailed, match=r"did not start(.|\n)*100000"):
        ray_session.engine(settings, EnginePlacement())


@pytest.mark.slow
def test_a_killed_engine_comes_back(tmp_path: Path, engine: Engine) -> None:
    root = Folder(str(tmp_path))
    units = UnitFolder.open(root, root / "work", source(root, 160), 10)
    killed: list[int] = []

    def kill_once(_: object) -> None:
        if not killed:
            killed.extend(replica_pids(engine.app))
            os.kill(killed[0], signal.SIGKILL)

    outcome = ask(units, Echo(output_tokens=32), engine, kill_once)
    assert outcome.finished
    assert outcome.engines == 2
    assert ids(units) == list(range(160))


@pytest.mark.slow
def test_a_killed_driver_goes_on(tmp_path: Path, tiny_model: str) -> None:
    command = [sys.executable, "-m", crash_driver.__name__, str(tmp_path), tiny_model]
    root = Folder(str(tmp_path))
    units = UnitFolder.open(root, root / "work", source(root, crash_driver.ROWS), crash_driver.PLACEMENT.unit_rows)
    with subprocess.Popen(command) as driver:
        wait_until(lambda: len(units.finished()) >= 8 or driver.poll() is not None, 300)
        driver.kill()
    kept = {name: units.folder.get(name) for name in units.finished()}
    assert 0 < len(kept) < units.layout.count
    assert subprocess.run(command, check=False).returncode == 0
    assert ids(units) == list(range(crash_driver.ROWS))
    assert all(units.folder.get(name) == data for name, data in kept.items())
    asked = len((tmp_path / "asked").read_text().split())
    assert asked <= crash_driver.ROWS + crash_driver.PLACEMENT.rows_at_risk()


@pytest.mark.slow
def test_a_killed_driver_leaves_no_engine_on_its_cluster(tmp_path: Path, tiny_model: str, ray_session: Session) -> None:
    address = ray.get_runtime_context().gcs_address
    command = [sys.executable, "-m", crash_driver.__name__, str(tmp_path), tiny_model, address]
    before = set(serve.status().applications)
    root = Folder(str(tmp_path))
    units = UnitFolder.open(root, root / "work", source(root, crash_driver.ROWS), crash_driver.PLACEMENT.unit_rows)
    with subprocess.Popen(command) as driver:
        wait_until(lambda: bool(units.finished()) or driver.poll() is not None, 300)
        assert set(serve.status().applications) > before
        driver.kill()
    wait_until(lambda: set(serve.status().applications) <= before, 120)


def wait_until(done: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.05)

"""Drivers that are killed, that meet each other, and that come back: nothing is lost, doubled or changed."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.end_to_end.conftest import SPEC, Cli, document

pytestmark = [pytest.mark.slow, pytest.mark.engine, pytest.mark.timeout(1800)]

COMMON = ("--placement", "placement.yaml")


def start(house: Path, *arguments: str) -> subprocess.Popen[str]:
    log = (house / "crash.log").open("a")
    command = [sys.executable, "-m", "fsa_ray.cli", "run", str(SPEC), *COMMON, *arguments]
    return subprocess.Popen(command, cwd=house, stdout=log, stderr=log, text=True, env=os.environ.copy())


def wait_for(what: Callable[[], bool], process: subprocess.Popen[str], seconds: float = 420) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert process.poll() is None, "the driver ended before it could be killed"
        assert time.monotonic() < deadline, "nothing happened in time"
        time.sleep(0.05)


def digests(folder: Path) -> dict[str, str]:
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(folder.glob("u*.parquet"))}


def folder_of(cli: Cli, name: str, label: str) -> str:
    stages = document(cli("show", name, "--json"))["stages"]
    return next(stage["folder"] for stage in stages if stage["label"] == label)


def test_a_driver_killed_in_teach_goes_on_where_it_was(smoke: Path, cli: Cli, house: Path) -> None:
    change = ("--set", "name=killed-in-teach", "--set", "teacher.max_tokens=60", "--until", "teach")
    plan = document(cli("plan", str(SPEC), *change[:4], *COMMON, "--json"))
    teach = next(stage for stage in plan["stages"] if stage["label"] == "teach")
    units = smoke / teach["folder"] / "progress" / "round-0" / "units"
    driver = start(house, *change)
    wait_for(lambda: len(list(units.glob("u*.parquet"))) >= 2, driver)
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    time.sleep(2)  # what was in the engine's hands may still be committed: workers outlive their driver for a moment
    committed = digests(units)
    total = json.loads((units / "layout.json").read_text())
    rows = sum(file["rows"] for file in total["files"])
    assert 2 <= len(committed) < -(-rows // total["unit_rows"]), "it was killed too late to prove anything"
    assert teach["rows_at_risk"] <= 500

    began = time.monotonic()
    done = cli("run", str(SPEC), *COMMON, *change)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "teach goes on" in done.stderr
    assert time.monotonic() - began < 300
    after = digests(units)
    assert {name: after[name] for name in committed} == committed, "committed rows changed"
    checks = document_of_verify(cli, "killed-in-teach")
    teach_checks = [check for check in checks if check["label"] == "teach"]
    assert len(teach_checks) == 3 and all(check["passed"] for check in teach_checks)


def document_of_verify(cli: Cli, name: str) -> list[dict[str, object]]:
    """`verify` of an unfinished run exits 1; its document says which checks passed."""
    return json.loads(cli("verify", name, "--json").stdout)["checks"]


def test_a_driver_killed_in_training_ends_with_the_same_weights(smoke: Path, cli: Cli, house: Path) -> None:
    change = ("--set", "train.max_steps=36", "--set", "train.checkpoint_every=6", "--set", "name=killed-in-train")
    change += ("--until", "student", "--allow", "student", "--allow", "gold-student")
    twin = house / "twin"
    shutil.copytree(smoke, twin)
    undisturbed = cli("run", str(SPEC), *COMMON, *change, "--root", str(twin))
    assert undisturbed.returncode == 0, undisturbed.stderr[-3000:]

    plan = document(cli("plan", str(SPEC), *change[:6], *COMMON, "--json"))
    student = next(stage for stage in plan["stages"] if stage["label"] == "student")
    checkpoints = smoke / student["folder"] / "progress" / "checkpoints"
    driver = start(house, *change)
    wait_for(lambda: len(list(checkpoints.glob("step-*/part-*.json"))) >= 2, driver)
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    assert not (smoke / student["folder"] / "record.json").exists(), "it was killed too late to prove anything"

    done = cli("run", str(SPEC), *COMMON, *change)
    assert done.returncode == 0, done.stderr[-3000:]
    weights = []
    for root in (smoke, twin):
        record = json.loads((root / student["folder"] / "record.json").read_text())
        files = {Path(file["key"]).name: file["sha256"] for file in record["artifact"]["files"]}
        weights.append(files["model.safetensors"])
    assert weights[0] == weights[1]
    record = json.loads((smoke / student["folder"] / "record.json").read_text())
    assert record["measures"]["resumed_at"] >= 6


def test_of_two_drivers_one_works_the_other_says_who_and_ctrl_c_frees_the_claim_at_once(
    smoke: Path, cli: Cli, house: Path
) -> None:
    change = ("--set", "name=two-drivers", "--set", "seed=7", "--set", "teacher.embedded.train.max_steps=120")
    change += ("--until", "teacher", "--allow", "teacher")
    claims = smoke / "train"
    before = set(claims.iterdir())
    first = start(house, *change)
    wait_for(lambda: bool(set(claims.iterdir()) - before), first)
    second = cli("run", str(SPEC), *COMMON, *change)
    assert second.returncode == 3, second.stderr[-2000:]
    assert f"process {first.pid} on" in second.stderr
    first.send_signal(signal.SIGINT)
    assert first.wait(timeout=120) == 130
    assert cli("run", str(SPEC), *COMMON, *change).returncode == 0

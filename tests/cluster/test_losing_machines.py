"""One run that loses a machine in each of three ways, against one that is not disturbed."""

import json
import re
import sys
import time
from collections.abc import Callable

import pytest
import yaml

from fsa_ray.storage.folder import Folder
from tests.cluster.cluster import Job
from tests.cluster.conftest import PLACEMENT, House

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(2400)]

EXACT = ("step", "lr", "answer_tokens")


def wait(job: Job, until: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 900
    while not until():
        assert not job.ended(), f"it ended before a machine could be taken:\n{job.told()[-6000:]}"
        assert time.monotonic() < deadline, job.told()[-6000:]
        time.sleep(0.2)


def answers(teach: Folder) -> int:
    """Units that are stored."""
    return sum("/units/" in name and name.endswith(".parquet") for name, _ in (teach / "progress").walk())


def checkpoint(student: Folder) -> int:
    """The step of the newest, 0 without one."""
    found = (re.search(r"step-(\d+)/part-", name) for name, _ in (student / "progress").walk())
    return max((int(one[1]) for one in found if one), default=0)


def steps(student: Folder) -> list[dict]:
    """What each step of the finished training told."""
    (key,) = [name for name, _ in student.walk() if name.endswith("metrics.jsonl") and name.startswith("attempts")]
    return [json.loads(line) for line in student.get(key).splitlines()]


def trained_undisturbed(house: House, student: str) -> list[dict]:
    """The same student from the same stored answers, on a Ray of one machine."""
    other = Folder(str(house.folder / "undisturbed"))
    for name, _ in house.root.walk():
        if not name.startswith(student):
            other.put(name, house.root.get(name))
    (house.folder / "alone.yaml").write_text(yaml.safe_dump(PLACEMENT | {"ray": {}}), "utf-8")
    done = house.cli("run", "spec.yaml", "--placement", "alone.yaml", "--root", other.path, "--until", "student")
    assert done.returncode == 0, done.stderr[-4000:]
    return steps(other / student)


def test_a_run_outlives_a_machine_killed_one_drained_and_one_cut_off(house: House) -> None:
    planned = json.loads(house.cli("plan", *house.run()[1:], "--json").stdout)["stages"]
    folders = {stage["label"]: stage["folder"] for stage in planned}
    teach, student = (house.root / folders[label] for label in ("teach", "student"))
    cluster = house.cluster
    job = cluster.submit(house.folder, *house.run())
    wait(job, lambda: answers(teach) >= 3)
    cluster.kill(cluster.workers[0])
    cluster.add()
    wait(job, lambda: checkpoint(student) > 0)
    cluster.drain(cluster.workers[0], 20)
    cluster.add()
    before = checkpoint(student)
    wait(job, lambda: checkpoint(student) > before)
    cluster.cut(cluster.workers[0], 60)
    cluster.add()
    assert job.succeeded(), job.told()[-6000:]

    house.verified()
    measures = {label: house.measures(label) for label in ("teach", "student")}
    in_flight = (
        PLACEMENT["engine"]["unit_rows"] * PLACEMENT["engine"]["units_in_flight"] * PLACEMENT["engine"]["replicas"]
    )
    assert measures["teach"]["rows_redone"] <= in_flight and 0 < measures["teach"]["goodput"] <= 1, measures
    assert measures["student"]["preemptions"] >= 1 and measures["student"]["restarts"] >= 2, measures
    assert 0 < measures["student"]["goodput"] <= 1
    found, undisturbed = steps(student), trained_undisturbed(house, folders["student"])
    assert [[one[key] for key in EXACT] for one in found] == [[one[key] for key in EXACT] for one in undisturbed]
    assert max(abs(a["loss"] - b["loss"]) for a, b in zip(found, undisturbed, strict=True)) < 1e-3
    sys.stdout.write(f"{house.redone()}\n")

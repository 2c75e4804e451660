"""The smoke spec on object storage: the same names, the same fingerprints and the same bytes as on a disk."""

import threading
from pathlib import Path
from typing import Any

import pytest

from fsa_ray.cli.lookup import run_called
from fsa_ray.core.artifact import Artifact
from fsa_ray.core.record import Record
from fsa_ray.core.stage import Stage
from fsa_ray.core.verification import files_of
from fsa_ray.storage.folder import Folder
from tests.end_to_end.conftest import SPEC, Cli, document
from tests.object_store import Server

pytestmark = [pytest.mark.slow, pytest.mark.engine, pytest.mark.timeout(1800)]

TIMED = "metrics.jsonl"  # a line tells how long its step took


def test_smoke_on_s3_equals_smoke_on_disk(smoke: Path, cli: Cli, server: Server, bucket: str) -> None:
    url = f"{bucket}/runs"
    done = cli("run", str(SPEC), "--placement", "placement.yaml", "--root", url)
    assert done.returncode == 0, done.stderr[-4000:]
    disk, store = Folder(str(smoke)), Folder(url)
    (ours, planned), (theirs, _) = run_called(disk, "smoke"), run_called(store, "smoke")
    assert ours.stages == theirs.stages, "stages to fingerprints"
    compared = 0
    for label, stage in planned.pipeline.stages.items():
        here, there = (Record.model_validate_json((root / stage.folder).get("record.json")) for root in (disk, store))
        assert (here.fingerprint, here.parameters, here.inputs) == (there.fingerprint, there.parameters, there.inputs)
        # vLLM on CPUs is not batch-invariant: what an engine wrote, and what is made of that, may differ.
        if not asks(stage):
            assert digests(stage, here) == digests(stage, there), label
            compared += bool(digests(stage, here))
    assert compared >= 12, "the invented reviews and labels, and the teacher among them"
    assert document(cli("verify", "smoke", "--root", url, "--json"))["passed"]
    plan = document(cli("plan", str(SPEC), "--root", url, "--json"))["stages"]
    assert {stage["action"] for stage in plan} == {"reuse"}

    server.kill()
    back = threading.Timer(3, server.start)
    back.start()
    report = document(cli("report", "smoke", "--root", url, "--json"))["report"]  # waits for the store
    back.join()
    assert report == f"{url}/reports/smoke.html"
    assert store.get("reports/smoke.html").strip().lower().startswith(b"<!doctype html>")


def asks(stage: Stage[Any]) -> bool:
    """Whether an engine had a part in it."""
    return bool(stage.engines()) or any(asks(dependency) for dependency in stage.inputs().values())


def digests(stage: Stage[Any], record: Record) -> dict[str, str]:
    artifact: Artifact = stage.artifact_type().model_validate(record.artifact)
    return {file.key: file.sha256 for file in files_of(artifact) if not file.key.endswith(TIMED)}

"""Runs the command line as users do, in processes of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SPEC = Path(__file__).parent / "smoke.yaml"
PLACEMENT = """
ray: {logical_cpus: 12}
engine: {unit_rows: 32, units_in_flight: 2}
train: {workers: 2, micro_batch: 4, zero_stage: 2}
score: {unit_rows: 64}
"""

Cli = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty folder with the placement that the tests use."""
    folder = tmp_path_factory.mktemp("house")
    (folder / "placement.yaml").write_text(PLACEMENT)
    return folder


@pytest.fixture(scope="session")
def cli(house: Path) -> Cli:
    def run(*arguments: str, timeout: float = 900, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "fsa_ray.cli", *arguments],
            cwd=house, capture_output=True, text=True, timeout=timeout, env={**os.environ, **environment}, check=False,
        )  # fmt: skip

    return run


@pytest.fixture(scope="session")
def smoke(cli: Cli, house: Path) -> Path:
    """The root after a whole run of the smoke spec."""
    done = cli("run", str(SPEC), "--placement", "placement.yaml")
    assert done.returncode == 0, done.stderr[-4000:]
    return house / "runs"


def document(done: subprocess.CompletedProcess[str]) -> Any:
    """The one JSON document that stdout holds."""
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)

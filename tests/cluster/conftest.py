"""A network, a store that all its machines reach, and a spec to run there."""

import json
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from fsa_ray.storage.folder import Folder
from tests.cluster.cluster import Cluster
from tests.cluster.gateway import gateway
from tests.cluster.network import Network, possible
from tests.object_store import Server

SMOKE = Path(__file__).parents[1] / "end_to_end" / "smoke.yaml"
PLACEMENT: dict[str, dict[str, Any]] = {
    "ray": {"address": "auto", "autoscaling": True},  # what is lost is replaced, so it is worth waiting for
    "engine": {"replicas": 2, "cpus": 2, "threads": 1, "unit_rows": 8, "units_in_flight": 2},
    "score": {"workers": 2, "unit_rows": 32},
    "train": {"workers": 2, "min_workers": 1, "threads_per_worker": 2, "micro_batch": 2, "max_failures": 20},
}


@dataclass(frozen=True)
class House:
    """A working directory of a job, and where its results lie."""

    folder: Path
    cluster: Cluster
    root: Folder

    def run(self, *options: str) -> tuple[str, ...]:
        return ("run", "spec.yaml", "--placement", "placement.yaml", "--root", self.root.url, *options)

    def cli(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """On the machine that the tests run on."""
        command = [sys.executable, "-m", "fsa_ray.cli", *arguments]
        return subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)

    def measures(self, label: str) -> dict[str, Any]:
        """What the record of a stage that is done counts."""
        shown = self.cli("show", "mortal", label, "--root", self.root.url, "--json")
        return json.loads(shown.stdout)["record"]["measures"]

    def verified(self) -> None:
        done = json.loads(self.cli("verify", "mortal", "--root", self.root.url, "--json").stdout)
        assert done["passed"], [check for check in done["checks"] if not check["passed"]]

    def redone(self) -> str:
        """A line of what was lost with machines and done again."""
        teach, student = self.measures("teach"), self.measures("student")
        rows = f"{teach['rows_redone']:.0f} of {teach['rows']:.0f}"
        steps = f"{student['steps_redone']:.0f} of {student['steps']:.0f}"
        asked = f"teach asked {rows} rows again (goodput {teach['goodput']:.3f})"
        return f"{asked}, student redid {steps} steps (goodput {student['goodput']:.3f})"


@pytest.fixture
def house(server: Server, tmp_path: Path) -> Iterator[House]:
    """Three machines: a head, and two that work. The store listens on loopback, so that they reach it by a gateway."""
    if not possible():
        pytest.skip("network namespaces need root and the program `ip`")
    document = yaml.safe_load(SMOKE.read_text("utf-8")) | {"name": "mortal"}
    document["corpus"]["invented"] = 600
    document["train"] |= {"max_steps": 900, "checkpoint_every": 60}
    folder = tmp_path / "job"
    folder.mkdir()
    (folder / "spec.yaml").write_text(yaml.safe_dump(document), "utf-8")
    (folder / "placement.yaml").write_text(yaml.safe_dump(PLACEMENT), "utf-8")
    bucket = f"cluster-{uuid.uuid4().hex[:12]}"
    Folder(f"s3://{bucket}").fs.mkdir(bucket)
    environment = server.environment()
    inner = urlsplit(environment["AWS_ENDPOINT_URL"]).port
    assert inner is not None
    with (
        Network() as network,
        gateway(network.address, inner) as port,
        tempfile.TemporaryDirectory(prefix="r") as short,
    ):
        inside = {**environment, "AWS_ENDPOINT_URL": f"http://{network.address}:{port}"}
        cluster = Cluster(network, Path(short), inside)
        for _ in range(2):
            cluster.add()
        yield House(folder, cluster, Folder(f"s3://{bucket}/runs"))

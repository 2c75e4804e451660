"""`fsa-ray watch-spot` beside a real Ray with token authentication: a notice over HTTP, and the node drains."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.unit.engine.spot.metadata_server import MetadataServer, action

pytestmark = pytest.mark.slow

WATCH = "import typer; from fsa_ray.cli.watch import watch_spot; typer.run(watch_spot)"
BUSY = """
import ray, sys, time
ray.init(address=sys.argv[1], log_to_driver=False)
@ray.remote(num_cpus=1)
class Worker:
    def here(self): return True
worker = Worker.remote()
ray.get(worker.here.remote())
print("busy", flush=True)
time.sleep(600)
"""
STATE = """
import json, sys
from ray._raylet import GcsClient
gcs = GcsClient(address=sys.argv[1])
jobs = len(gcs.get_all_job_info())
nodes = [node.hex() for node in gcs.get_all_node_info()]
print(json.dumps({"jobs": jobs, "nodes": nodes, "draining": gcs.get_draining_nodes()}))
"""


class Ray:
    def __init__(self, folder: Path) -> None:
        self.address = f"127.0.0.1:{_free_port()}"
        self.env = os.environ | {
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": "0123456789abcdef" * 4,
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S": "0",
            "RAY_raylet_start_wait_time_s": "120",  # of a busy machine
            "RAY_enable_metrics_collection": "0",
        }
        self.env.pop("RAY_ADDRESS", None)
        _, _, port = self.address.partition(":")
        options = ["--head", "--block", "--num-cpus=1", "--object-store-memory=80000000", "--include-dashboard=false"]
        places = [f"--port={port}", f"--temp-dir={folder}"]
        self.head = self.start("-m", "ray.scripts.scripts", "start", *options, *places)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, *arguments],
            env=self.env,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def state(self) -> dict[str, Any]:
        done = subprocess.run(
            [sys.executable, "-c", STATE, self.address], env=self.env, capture_output=True, text=True, check=True
        )
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return found

    def stop(self) -> None:
        """Only what was started here: its own processes and theirs."""
        own = [self.head, *psutil.Process(self.head.pid).children(recursive=True)] if self.head.poll() is None else []
        self.head.terminate()
        try:
            self.head.wait(10)
        except subprocess.TimeoutExpired:
            self.head.kill()
        for process in own[1:]:
            if process.is_running():
                process.kill()


@pytest.fixture
def ray_head() -> Iterator[Ray]:
    import tempfile

    with tempfile.TemporaryDirectory(prefix="spot-", ignore_cleanup_errors=True) as folder:  # sockets want short paths
        head = Ray(Path(folder))
        try:
            await_line(head.head, "Ray runtime started")
            yield head
        finally:
            head.stop()


def test_a_notice_drains_the_node(ray_head: Ray, server: MetadataServer) -> None:
    server.ec2["instance-id"] = "i-0123456789abcdef0"
    busy = ray_head.start("-c", BUSY, ray_head.address)  # an idle node would be gone as soon as it drains
    started = [busy]
    try:
        await_line(busy, "busy")
        metadata = ["--ec2-metadata", server.url, "--gce-metadata", server.url]
        watcher = ray_head.start("-c", WATCH, *metadata, "--address", ray_head.address)
        started.append(watcher)
        await_line(watcher, "watching for EC2 spot notices")
        before = ray_head.state()
        ends = int(time.time()) + 120
        server.ec2["spot/instance-action"] = action("terminate", datetime.fromtimestamp(ends, UTC).isoformat())
        said, _ = watcher.communicate(timeout=60)
        assert watcher.returncode == 0, said
        after = ray_head.state()
        assert (before["jobs"], before["draining"]) == (1, {})
        assert after == {**before, "draining": dict.fromkeys(before["nodes"], ends * 1000)}
        assert said.count("drains") == 1
    finally:
        for process in started:
            process.kill()
            process.wait()


def await_line(process: subprocess.Popen[str], words: str) -> None:
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if words in line:
            return
    raise AssertionError(f"it ended without {words!r}:\n{''.join(said)}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

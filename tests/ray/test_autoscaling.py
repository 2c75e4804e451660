"""Nodes that come because a stage asks for them, and go after it: Ray's own autoscaler, on nodes of this machine."""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from ray.util import get_node_ip_address

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

HEAD = "fffffffffffffffffffffffffffffffffffffffffffffffffff00000"
"""The id by which Ray's provider of fake nodes knows the head."""

HEAD_KIND = "ray.head.default"

KINDS = {
    HEAD_KIND: {"resources": {"CPU": 1}, "node_config": {}, "max_workers": 0},
    "worker": {"resources": {"CPU": 1, "engine": 1}, "node_config": {}, "min_workers": 0, "max_workers": 2},
}

Ask = Callable[[dict[str, float], int], dict[str, Any]]


@pytest.fixture(scope="module")
def ask() -> Iterator[Ask]:
    """Starts an autoscaling head; the function given asks it for room and tells what came of it."""
    with tempfile.TemporaryDirectory(prefix="ray-") as short:  # names of sockets have 107 bytes
        yield from started_in(Path(short))


def started_in(folder: Path) -> Iterator[Ask]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = folder / "autoscaling.json"
    here = get_node_ip_address()  # Ray takes loopback for this address where a driver joins
    config.write_text(json.dumps(autoscaling(f"{here}:{port}")), "utf-8")
    environment = {
        **os.environ,
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": secrets.token_hex(16),
        "RAY_enable_autoscaler_v2": "1",
        "RAY_FAKE_CLUSTER": "1",
        "RAY_CLOUD_INSTANCE_ID": HEAD,
        "RAY_OVERRIDE_NODE_ID_FOR_TESTING": HEAD,
        "AUTOSCALER_UPDATE_INTERVAL_S": "1",
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_ADDRESS": f"{here}:{port}",
    }
    ray = Path(sys.executable).with_name("ray")
    command = [
        ray, "start", "--head", "--block", f"--port={port}", f"--node-ip-address={here}", "--num-cpus=1",
        f"--autoscaling-config={config}", f"--temp-dir={folder / 'ray'}", "--include-dashboard=false",
        f"--object-store-memory={100 << 20}", "--disable-usage-stats",
    ]  # fmt: skip
    head = {name: value for name, value in environment.items() if name != "RAY_ADDRESS"}
    with (folder / "head.log").open("wb") as log:
        started = subprocess.Popen(command, env=head, stdout=log, stderr=log, start_new_session=True)
        try:
            wait_for((here, port), started, folder / "head.log")
            yield lambda need, number: driven(environment, need, number)
        finally:
            for end in (signal.SIGTERM, signal.SIGKILL):
                with suppress(ProcessLookupError):
                    os.killpg(started.pid, end)
                time.sleep(2)
            started.wait()


def autoscaling(address: str) -> dict[str, Any]:
    return {
        "cluster_name": "test",
        "max_workers": 2,
        "idle_timeout_minutes": 0.1,
        "upscaling_speed": 1.0,
        "provider": {
            "type": "external",  # by its own name Ray wants an example file that its wheel lacks
            "module": "ray.autoscaler._private.fake_multi_node.node_provider.FakeMultiNodeProvider",
            "launch_multiple": True,
            "head_node_id": HEAD,
            "disable_node_updaters": True,
            "gcs_address": address,
        },
        "available_node_types": KINDS,
        "head_node_type": HEAD_KIND,
        "auth": {},
        "file_mounts": {},
        "cluster_synced_files": [],
        "file_mounts_sync_continuously": False,
        "rsync_exclude": [],
        "rsync_filter": [],
        "initialization_commands": [],
        "setup_commands": [],
        "head_setup_commands": [],
        "worker_setup_commands": [],
        "head_start_ray_commands": [],
        "worker_start_ray_commands": [],
    }


def wait_for(address: tuple[str, int], started: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and started.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(address) == 0:
                time.sleep(3)
                return
        time.sleep(0.5)
    raise AssertionError(log.read_text("utf-8"))


def driven(environment: dict[str, str], need: dict[str, float], number: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.ray.room_driver", json.dumps(need), str(number)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_nodes_come_for_what_is_asked_and_go_after_it(ask: Ask) -> None:
    assert ask({"CPU": 1, "engine": 1}, 2) == {"said": "", "nodes": 3, "nodes_at_last": 1}


def test_what_no_kind_of_node_has_is_an_error_that_says_so(ask: Ask) -> None:
    found = ask({"CPU": 1, "engine": 8}, 1)
    assert "asks for 1 x (1 CPU, 8 engine)" in found["said"] and "no kind of node" in found["said"]
    assert found["nodes"] == 1

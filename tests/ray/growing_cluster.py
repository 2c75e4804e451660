"""A Ray of one head whose autoscaler starts nodes on this machine, and ends them when they are idle."""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ray.util import get_node_ip_address

HEAD = "fffffffffffffffffffffffffffffffffffffffffffffffffff00000"
"""The id by which Ray's provider of fake nodes knows the head."""

HEAD_KIND = "ray.head.default"


@contextmanager
def growing_cluster(
    folder: Path, node: dict[str, float], most: int, idle_seconds: float = 6.0
) -> Iterator[dict[str, str]]:
    """Nodes have the resources `node`. Yields the environment of programs that join. `folder` must have a short name:
    those of sockets have 107 bytes at most."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    here = get_node_ip_address()  # Ray takes loopback for this address where a driver joins
    config = folder / "autoscaling.json"
    config.write_text(json.dumps(_autoscaling(f"{here}:{port}", node, most, idle_seconds)), "utf-8")
    joining = {
        **os.environ,
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": secrets.token_hex(16),
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_ADDRESS": f"{here}:{port}",
    }
    head = {
        **{name: value for name, value in joining.items() if name != "RAY_ADDRESS"},
        "RAY_enable_autoscaler_v2": "1",
        "RAY_FAKE_CLUSTER": "1",
        "RAY_CLOUD_INSTANCE_ID": HEAD,
        "RAY_OVERRIDE_NODE_ID_FOR_TESTING": HEAD,
        "AUTOSCALER_UPDATE_INTERVAL_S": "1",
    }
    command = [
        Path(sys.executable).with_name("ray"), "start", "--head", "--block", f"--port={port}",
        f"--node-ip-address={here}", "--num-cpus=1", f"--autoscaling-config={config}", f"--temp-dir={folder / 'ray'}",
        "--include-dashboard=false", f"--object-store-memory={200 << 20}", "--disable-usage-stats",
    ]  # fmt: skip
    with (folder / "head.log").open("wb") as log:
        started = subprocess.Popen(command, env=head, stdout=log, stderr=log, start_new_session=True)
    try:
        _await((here, port), started, folder / "head.log")
        yield joining
    finally:
        for end in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.killpg(started.pid, end)
            time.sleep(2)
        started.wait()


def _autoscaling(address: str, node: dict[str, float], most: int, idle_seconds: float) -> dict[str, Any]:
    return {
        "cluster_name": "test",
        "max_workers": most,
        "idle_timeout_minutes": idle_seconds / 60,
        "upscaling_speed": 1.0,
        "provider": {
            "type": "external",  # by its own name Ray wants an example file that its wheel lacks
            "module": "ray.autoscaler._private.fake_multi_node.node_provider.FakeMultiNodeProvider",
            "launch_multiple": True,
            "head_node_id": HEAD,
            "disable_node_updaters": True,
            "gcs_address": address,
        },
        "available_node_types": {
            HEAD_KIND: {"resources": {"CPU": 1}, "node_config": {}, "max_workers": 0},
            "worker": {"resources": node, "node_config": {}, "min_workers": 0, "max_workers": most},
        },
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


def _await(address: tuple[str, int], started: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and started.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(address) == 0:
                time.sleep(3)
                return
        time.sleep(0.5)
    raise AssertionError(log.read_text("utf-8"))

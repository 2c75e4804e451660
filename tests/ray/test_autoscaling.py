"""Nodes that come because a stage asks for them, and go after it: Ray's own autoscaler, on nodes of this machine."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.ray.growing_cluster import growing_cluster

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

Ask = Callable[[dict[str, float], list[int]], dict[str, Any]]


@pytest.fixture(scope="module")
def ask() -> Iterator[Ask]:
    """Asks an autoscaling Ray for room and tells what came of it."""
    with (
        tempfile.TemporaryDirectory(prefix="r-") as short,
        growing_cluster(Path(short), {"CPU": 1, "engine": 1}, 2) as environment,
    ):
        yield lambda need, numbers: driven(environment, need, numbers)


def driven(environment: dict[str, str], need: dict[str, float], numbers: list[int]) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.ray.room_driver", json.dumps(need), json.dumps(numbers)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_nodes_come_for_what_is_asked_and_go_after_it(ask: Ask) -> None:
    assert ask({"CPU": 1, "engine": 1}, [2]) == {"said": "", "number": 2, "nodes": 3, "nodes_at_last": 1}


def test_what_came_begins_without_what_does_not_come(ask: Ask) -> None:
    found = ask({"CPU": 1, "engine": 1}, [3, 2])
    assert (found["said"], found["number"], found["nodes"]) == ("", 2, 3)


def test_what_no_kind_of_node_has_is_an_error_that_says_so(ask: Ask) -> None:
    found = ask({"CPU": 1, "engine": 8}, [1])
    assert "asks for 1 x (1 CPU, 8 engine)" in found["said"] and "no kind of node" in found["said"]
    assert found["nodes"] == 1

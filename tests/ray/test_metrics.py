"""Metrics as Prometheus would scrape them from a Ray that runs toy stages."""

import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from fsa_ray.engine.metrics import DONE, METRICS, RUNNING

ROOT = Path(__file__).parents[2]
Values = dict[tuple[str, str], float]  # metric and stage to value

WHILE_ASKING = {
    ("stage_state", "numbers"): DONE,
    ("stage_state", "drop"): DONE,
    ("stage_state", "ask"): RUNNING,
    ("rows_done", "numbers"): 9,
    ("rows_to_do", "numbers"): 0,
    ("steps_done", "drop"): 30,
    ("steps_to_do", "drop"): 10,
    ("loss", "drop"): 1.25,
    ("tokens_trained_total", "drop"): 6000,
    ("goodput", "drop"): 0.75,
    ("rows_done", "ask"): 4,
    ("rows_to_do", "ask"): 2,
    ("requests_failed", "ask"): 3,
    ("tokens_read_total", "ask"): 4000,
    ("tokens_written_total", "ask"): 1000,
    ("cost", "ask"): 0.016,
}
AFTER_ASKING = {
    **WHILE_ASKING,
    ("stage_state", "ask"): DONE,
    ("rows_done", "ask"): 6,
    ("rows_to_do", "ask"): 0,
    ("rows_rejected", "ask"): 1,
    ("requests_failed", "ask"): 0,
    ("tokens_read_total", "ask"): 6000,
    ("tokens_written_total", "ask"): 1500,
    ("cost", "ask"): 0.024,
}


@pytest.mark.slow
def test_prometheus_finds_what_the_run_does(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "tests.ray.metrics_driver", str(tmp_path), str(port)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as driver:
        try:
            await_values(port, lambda found: found == pytest.approx(WHILE_ASKING))
            (tmp_path / "asked").touch()
            found = await_values(port, lambda found: found == pytest.approx(AFTER_ASKING))
            assert {f"fsa_ray_{name}" for name, _ in found} == {metric.name for metric in METRICS}
            time.sleep(25)  # Ray forgets gauges that are not refreshed
            assert scrape(port) == pytest.approx(AFTER_ASKING)
        finally:
            (tmp_path / "asked").touch()
            (tmp_path / "seen").touch()
        assert driver.wait(120) == 0
        assert driver.stdout is not None and driver.stdout.read() == ""


def await_values(port: int, good: Callable[[Values], bool]) -> Values:
    deadline, found = time.monotonic() + 180, Values()
    while not good(found):
        assert time.monotonic() < deadline, found
        time.sleep(1)
        found = scrape(port)
    return found


def scrape(port: int) -> Values:
    """Our metrics; an empty answer while Ray starts."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            text = answer.read().decode()
    except OSError:
        return {}
    found = Values()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name.startswith("ray_fsa_ray_"):
                assert family.type == ("counter" if sample.name.endswith("_total") else "gauge")
                assert sample.labels["run"] == "toy"
                assert sample.labels.get("currency") == ("EUR" if sample.name == "ray_fsa_ray_cost" else None)
                key = (sample.name.removeprefix("ray_fsa_ray_"), sample.labels["stage"])
                assert key not in found
                found[key] = sample.value
    return found

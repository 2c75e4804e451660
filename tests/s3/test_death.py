"""The store is killed with SIGKILL and comes back while a run asks, scores and uploads checkpoints."""

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import yaml

from fsa_ray.storage.folder import Folder
from tests.object_store import Server
from tests.ray.conftest import save_tiny_model
from tests.ray.scripted_teacher import scripted_teacher

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

PLACEMENT = """
ray: {logical_cpus: 8}
endpoint: {unit_rows: 5, units_in_flight: 2}
engine: {unit_rows: 5, units_in_flight: 2}
score: {unit_rows: 5}
train: {workers: 2, micro_batch: 4, zero_stage: 2}
"""
STUDENT = {
    "model_type": "qwen3",
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 32,
    "tie_word_embeddings": True,
}
OPTIONS = ("spec.yaml", "--placement", "placement.yaml", "--until")
OPINIONS = ("The %s was good, and so was the rest of it.", "Nobody should have to eat %s like that, ever.")


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A spec with 200 reviews, and a small model that scores."""
    lines = [json.dumps({"text": OPINIONS[n % 2] % f"dish number {n * 7919}"}) for n in range(200)]
    (tmp_path / "reviews.jsonl").write_text("\n".join(lines))
    (tmp_path / "placement.yaml").write_text(PLACEMENT)
    save_tiny_model(tmp_path / "proxy")
    return tmp_path


def write_spec(house: Path, teacher: dict[str, Any]) -> None:
    document = {
        "name": "mortal",
        "corpus": {"path": "reviews.jsonl"},
        "deduplicate": {"near": False},
        "teacher": {"prompts": ["analysis"], **teacher},
        "score": {"model": "./proxy"},
        "select": {"rate": 0.8},
        "student": {"config": STUDENT, "vocabulary": 400, "sequence_length": 256},
        "train": {
            "max_steps": 24,
            "global_batch": 8,
            "learning_rate": 0.004,
            "precision": "fp32",
            "checkpoint_every": 4,
        },
    }
    (house / "spec.yaml").write_text(yaml.safe_dump(document))


class Run:
    """`fsa-ray run` in a process of its own, begun again as often as it stops with exit code 1."""

    def __init__(self, house: Path, root: str, until: str) -> None:
        self._house, self._command, self.ends = house, ("run", *OPTIONS, until, "--root", root), []
        self._log = house / "log"
        self._begin()

    def _begin(self) -> None:
        command = [sys.executable, "-m", "fsa_ray.cli", *self._command]
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                command, cwd=self._house, stderr=log, stdout=log, env={**os.environ, "KEY": "k"}
            )

    def lives(self) -> bool:
        """False when it is done."""
        code = self._process.poll()
        if code is None:
            return True
        told = self._log.read_text()
        self.ends.append(code)
        assert code == 0 or (code == 1 and "run the same command to go on" in told), told[-4000:]
        assert len(self.ends) < 6, told[-4000:]
        if code == 1:
            self._begin()
        return code == 1

    def wait(self, until: Callable[[], bool], seconds: float = 400) -> None:
        deadline = time.monotonic() + seconds
        while not until():
            assert self.lives(), "it was done before the store could be killed"
            assert time.monotonic() < deadline, self._log.read_text()[-4000:]
            time.sleep(0.05)

    def end(self) -> None:
        self._process.kill()
        self._process.wait()


def cli(house: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "fsa_ray.cli", *arguments], cwd=house, capture_output=True, text=True, check=False,
        env={**os.environ, "KEY": "k"},
    )  # fmt: skip


def digests(folder: Folder, ending: str) -> dict[str, str]:
    names = [name for name, _ in folder.walk() if name.endswith(ending)]
    return {name: hashlib.sha256(folder.get(name)).hexdigest() for name in names}


def test_nothing_is_lost_when_the_store_dies_again_and_again(server: Server, root: Folder, house: Path) -> None:
    with scripted_teacher() as endpoint:
        write_spec(house, {"endpoint": {"url": endpoint, "model": "m", "key_variable": "KEY"}})
        planned = plan(house, root, "student")
        folders = {label: root / folder / "progress" for label, folder in planned.items()}
        committed: dict[str, dict[str, str]] = {}
        run = Run(house, root.url, "student")
        try:
            for label, ending, enough in (
                ("teach", ".parquet", 3),
                ("score", ".parquet", 3),
                ("student", "part-0.json", 1),
            ):
                folder = folders[label]
                run.wait(lambda f=folder, e=ending, n=enough: stored(f, e) >= n)
                committed[label] = digests(folder, ".parquet")
                die(server)
            while run.lives():
                time.sleep(0.2)
        finally:
            run.end()
        for label, before in committed.items():
            after = digests(folders[label], ".parquet")
            assert {name: after[name] for name in before} == before, f"{label}: committed rows changed"
        undisturbed = cli(house, "run", *OPTIONS, "student", "--root", "runs")
        assert undisturbed.returncode == 0, undisturbed.stderr[-4000:]
    assert_verified(house, root, planned)
    for label, folder in planned.items():
        assert files(root, folder) == files(Folder(str(house / "runs")), folder), f"{label} differs from that on a disk"


def test_an_engine_answers_every_review_while_the_store_dies(server: Server, root: Folder, house: Path) -> None:
    write_spec(house, {"model": "./proxy", "style": "compact", "max_tokens": 64, "precision": "fp32", "retries": 0})
    planned = plan(house, root, "teach")
    progress = root / planned["teach"] / "progress" / "round-0" / "units"
    committed: dict[str, str] = {}
    run = Run(house, root.url, "teach")
    try:
        for enough in (2, 15):
            run.wait(lambda n=enough: stored(progress, ".parquet") >= n)
            committed |= digests(progress, ".parquet")
            die(server)
        while run.lives():
            time.sleep(0.2)
    finally:
        run.end()
    after = digests(progress, ".parquet")
    assert {name: after[name] for name in committed} == committed, "committed answers changed"
    assert_verified(house, root, planned)
    record = json.loads((root / planned["teach"]).get("record.json"))
    keys = [file["key"] for file in record["artifact"]["kept"]["files"]]
    answers = pa.concat_tables([pq.read_table(pa.BufferReader(root.get(key))) for key in keys])
    assert len(answers) == 200 and pc.min(answers["output_tokens"]).as_py() > 0, "each was answered by the engine"


def plan(house: Path, root: Folder, until: str) -> dict[str, str]:
    """Labels of the stages to their folders."""
    done = cli(house, "plan", *OPTIONS, until, "--root", root.url, "--json")
    assert done.returncode == 0, done.stderr[-4000:]
    return {stage["label"]: stage["folder"] for stage in json.loads(done.stdout)["stages"]}


def stored(folder: Folder, ending: str) -> int:
    return sum(name.endswith(ending) for name, _ in folder.walk())


def die(server: Server) -> None:
    """For a second."""
    server.kill()
    time.sleep(1)
    server.start()


def assert_verified(house: Path, root: Folder, planned: dict[str, str]) -> None:
    checks = json.loads(cli(house, "verify", "mortal", "--root", root.url, "--json").stdout)["checks"]
    checks = [check for check in checks if check["label"] in planned]
    assert all(check["passed"] for check in checks), checks
    assert {"unique ids", "rows", "digests"} <= {check["check"] for check in checks}


def files(root: Folder, folder: str) -> dict[str, str]:
    """Name to digest of all that the stage's record lists, apart from the file that tells how long steps took."""
    found: dict[str, str] = {}

    def collect(value: Any) -> None:
        if isinstance(value, dict) and "sha256" in value:
            found[value["key"].split("/", 4)[-1]] = value["sha256"]  # without stage and attempt
        elif isinstance(value, dict | list):
            for item in value.values() if isinstance(value, dict) else value:
                collect(item)

    collect(json.loads((root / folder).get("record.json"))["artifact"])
    found.pop("model/metrics.jsonl", None)
    return found

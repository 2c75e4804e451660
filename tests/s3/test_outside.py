"""Models and benchmark data that lie on object storage."""

import json
from pathlib import Path

import pytest

from fsa_ray.core.local_copy import brought_here
from fsa_ray.evaluation.tasks import load_task
from fsa_ray.stages.benchmark import Benchmark
from fsa_ray.stages.model import GivenModel, local_path
from fsa_ray.storage.folder import Folder
from tests.ray.conftest import save_tiny_model
from tests.s3.conftest import invoke

ITEMS = [{"sentence": f"number {n} was a joy", "label": "positive"} for n in range(20)]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_a_model_is_that_of_the_directory_it_was_copied_from(bucket: str, tmp_path: Path) -> None:
    save_tiny_model(tmp_path / "model")
    elsewhere = Folder(f"{bucket}/models/tiny")
    for path in (tmp_path / "model").iterdir():
        elsewhere.put(path.name, path.read_bytes())
    elsewhere.put("pytorch_model.bin", b"the same weights in a format that is not read")
    given = GivenModel.at(elsewhere.url)
    assert given.fingerprint == GivenModel.at(str(tmp_path / "model")).fingerprint
    copy = Path(local_path(Folder(str(tmp_path)), given.run(None)))  # type: ignore[arg-type]
    assert {path.name: path.read_bytes() for path in copy.iterdir()} == {
        path.name: path.read_bytes() for path in (tmp_path / "model").iterdir()
    }


def test_benchmark_data_are_brought_here(bucket: str, tmp_path: Path) -> None:
    data = Folder(f"{bucket}/sentibench")
    name, local = "sst2", tmp_path / "sentibench"
    for path in load_task(name).paths(local, "test"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(ITEMS))
        data.put(str(path.relative_to(local)), path.read_bytes())
    assert Benchmark.at(brought_here(data.url), (name,)).fingerprint == Benchmark.at(str(local), (name,)).fingerprint
    predictions = tmp_path / "predictions.jsonl"
    predictions.write_text("".join(json.dumps({"id": str(n), "prediction": "positive"}) + "\n" for n in range(20)))
    done = invoke("evaluate", "--predictions", predictions, "--task", name, "--data", data.url, "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)
    wrong = invoke("evaluate", "--predictions", predictions, "--task", name, "--data", f"{bucket}/nothing")
    assert wrong.exit_code == 2 and "there is nothing" in wrong.output

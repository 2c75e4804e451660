"""Every recipe holds its reviews against all test texts of the benchmark folder, measured or not."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from fsa_ray.core.placement import Placement
from fsa_ray.core.runner import Runner, load
from fsa_ray.core.stage import Stage
from fsa_ray.core.tables import read_table
from fsa_ray.evaluation.tasks import load_task
from fsa_ray.recipes.table import RECIPES, build
from fsa_ray.storage.folder import Folder

JOBS = Path(__file__).parents[3] / "jobs"
LABELS = {"sst2": "positive", "twitter": "neutral"}


class Silent:
    def begins(self, step: Any) -> None: ...
    def says(self, step: Any, message: str) -> None: ...
    def ends(self, step: Any, record: Any) -> None: ...


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two classification sets of three texts a split, and one extraction set of which the test alone is there."""
    for name, label in LABELS.items():
        for split in ("train", "test"):
            (path,) = load_task(name).paths(tmp_path / "data", split)
            path.parent.mkdir(parents=True, exist_ok=True)
            records = [{"sentence": f"{name} {split} text {n}", "label": label} for n in range(3)]
            path.write_text(json.dumps(records))
    for path in load_task("fsa_atsa_rest14").paths(tmp_path / "data", "test"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps([{"sentence": f"the sentence of {path.name}", "aspects": "whatever this is"}]))
    return tmp_path / "data"


def document(recipe: str, data: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((JOBS / f"{recipe}.yaml").read_text("utf-8"))
    found["evaluate"] = {"data": str(data), "tasks": ["sst2"], "limit": 1}
    return found


def held_against(stage: Stage[Any]) -> list[Stage[Any]]:
    return [found for field, found in stage.inputs().items() if field.startswith("against")]


@pytest.mark.parametrize("recipe", ["demo", "compeffdist", "targeted", "joint"])
def test_reviews_and_instructions_are_held_against_every_test_text(recipe: str, data: Path, tmp_path: Path) -> None:
    pipeline = build(document(recipe, data), "test").pipeline
    texts = pipeline.stages["evaluation-texts"]
    for label in {"decontaminate", "instructions"} & set(pipeline.stages):
        assert texts in held_against(pipeline.stages[label])
    root = Folder(str(tmp_path / "root"))
    Runner(root, Placement(), Silent(), lambda engines: None).run(pipeline, until="evaluation-texts")
    rows = read_table(root, load(root, texts).kept).to_pylist()
    assert {row["text"] for row in rows} == {
        *(f"{name} test text {n}" for name in LABELS for n in range(3)),
        "the sentence of test.json",
        "the sentence of hard_test.json",
    }
    assert {row["source_id"] for row in rows} >= {"sc/sst2/test.json:2", "atsa/rest14/hard_test.json:0"}


def test_other_tasks_and_limits_pay_for_nothing_again(data: Path) -> None:
    one, other = document("compeffdist", data), document("compeffdist", data)
    other["evaluate"] |= {"tasks": ["sst2", "twitter"], "limit": None}
    stages = [build(each, "test").pipeline.stages for each in (one, other)]
    assert stages[0]["teach"].fingerprint == stages[1]["teach"].fingerprint
    assert stages[0]["benchmark"].fingerprint != stages[1]["benchmark"].fingerprint


def test_fsa_holds_them_against_both_its_benchmarks(data: Path) -> None:
    found: dict[str, Any] = yaml.safe_load((JOBS / "fsa.yaml").read_text("utf-8"))
    for split in ("train", "dev"):
        (path,) = load_task("fsa_atsa_rest14").paths(data, split)
        path.write_text("[]")
    found["evaluate"] = {"data": str(data), "tasks": ["fsa_atsa_rest14"]}
    found["zero_shot"] = {"data": str(data), "tasks": ["sst2"], "limit": 1}
    stages = build(found, "test").pipeline.stages
    files = [{file.name for file in stage.files} for stage in held_against(stages["decontaminate"])
             if stage.name == "evaluation-texts"]  # fmt: skip
    assert files and all({"sc/sst2/test.json", "atsa/rest14/hard_test.json"} <= names for names in files)


def test_only_files_of_measured_tasks_must_be_there(data: Path) -> None:
    found = document("compeffdist", data)
    found["evaluate"]["tasks"] = ["imdb"]
    with pytest.raises(ValueError, match=r"imdb/test\.json is missing"):
        build(found, "test")


@pytest.mark.parametrize("recipe", ["distil", "compeffdist"])
def test_reviews_without_an_evaluation_text_are_warned_of(recipe: str, tmp_path: Path) -> None:
    (tmp_path / "reviews.txt").write_text("A good soup.\n")
    found = {
        **RECIPES[recipe].starter,
        "corpus": {"path": str(tmp_path / "reviews.txt")},
        "teacher": {"endpoint": {"url": "http://nowhere", "model": "m"}},
        "student": {"config": {"model_type": "qwen3"}},
        "select": {"rate": 1.0},
    }
    (warning,) = build(found, "test").warnings
    assert "evaluate.data" in warning
    assert build({**found, "corpus": {"invented": 10}}, "test").warnings == []

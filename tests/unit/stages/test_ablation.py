"""From the records of a grid to its table."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from fsa_ray.core.artifact import Artifact, DataFile, Table
from fsa_ray.core.pipeline import RunIndex
from fsa_ray.core.prices import Prices
from fsa_ray.core.stage import Stage
from fsa_ray.evaluation.scorecard import TaskScore
from fsa_ray.recipes.demo import DEMO
from fsa_ray.recipes.table import Plan, build
from fsa_ray.stages.ablation import ablation
from fsa_ray.stages.evaluate import Scores
from fsa_ray.storage.folder import Folder
from tests.unit.finished import finish

TASK = "invented_polarity"
NOTHING: dict[str, Any] = {"files": ()}


@pytest.fixture
def planned() -> Plan:
    axes = {
        "share": {"half": {"select.rate": 0.5}, "whole": {"select.rate": 1}},
        "sampler": {"random": {"select.mode": "random"}, "hard": {"select.mode": "hard"}},
        "trial": [0, 1, 2],
    }
    return build({**yaml.safe_load(yaml.safe_dump(DEMO)), "grid": axes}, "spec.yaml")


def file(rows: int) -> DataFile:
    return DataFile(key="x", size=1, sha256="x", rows=rows)


def artifact(label: str, stage: Stage[Any]) -> dict[str, Any]:
    """What the stage of a label might have left; a student's score tells its rate, its sampler and its trial."""
    if stage.artifact_type() is Scores:
        trial = int(label[-1]) if label[-1].isdigit() else 0
        value = 80.0 if "whole" in label else 60.0 + 5 * ("hard" in label)
        score = TaskScore(task=TASK, version=1, protocol="strict", metric="macro_f1", score=value + trial, low=50,
                          high=90, n=500, seeds={0: value})  # fmt: skip
        return Scores(scores={TASK: score}, items=file(500)).model_dump()
    kept = Table(files=(file(1000 if "whole" in label else 500),)).model_dump()
    known: dict[str, Any] = {"kept": kept, "rejected": NOTHING, "packed": NOTHING}
    wanted: type[Artifact] = stage.artifact_type()
    return {name: value for name, value in known.items() if name in wanted.model_fields} or {"files": ()}


@pytest.fixture
def root(tmp_path: Any, planned: Plan) -> Folder:
    return recorded(Folder(str(tmp_path)), planned)


def recorded(folder: Folder, planned: Plan) -> Folder:
    """A root in which every stage has left something."""
    RunIndex.write(folder, planned.pipeline, planned.spec.model_dump(mode="json", exclude_none=True))
    for label, stage in planned.pipeline.stages.items():
        finish(folder, stage, {"tokens": 40_000.0, "seconds": 1.0, "output_tokens": 10.0}, artifact(label, stage))
    return folder


def test_rows_are_means_over_trials_and_controls_are_there_once(root: Folder, planned: Plan) -> None:
    found = ablation(root, planned.pipeline, planned.cells, Prices(prompt=0.0, output=1.0))
    assert (found.axes, found.share_axis) == (("share", "sampler"), "share")
    assert found.students == 9
    means = {(row.choices, row.share): row.scores[TASK].score for row in found.rows}
    assert means == {
        (("half", "random"), 0.5): 61.0,
        (("half", "hard"), 0.5): 66.0,
        (("whole", None), 1.0): 81.0,
    }
    whole = found.rows[-1]
    assert whole.scores[TASK].runs == (80.0, 81.0, 82.0)
    assert whole.scores[TASK].std == pytest.approx(1.0)
    assert (whole.examples, whole.tokens, whole.runs) == (1000, 40_000, 3)
    assert [(row.name, row.runs) for row in found.controls] == [
        ("teacher", 1), ("student on gold labels only", 1), ("majority answer", 1)]  # fmt: skip
    facts = {fact.label: fact.value for fact in found.spec}
    assert facts["trial"] == "0, 1, 2" and facts["sampler"] == "random, hard"
    assert [line.name for line in found.lines()] == ["random", "hard"]


def test_the_share_may_be_of_labels_and_means_are_over_seeds_of_fine_tuning(tmp_path: Path) -> None:
    job = yaml.safe_load((Path(__file__).parents[3] / "jobs" / "fsa.yaml").read_text("utf-8"))
    axes = {"finetune.share": [0.1, 1.0], "phases": ["both", "finetuning"], "finetune.train.seed": [42, 52]}
    planned = build({**job, "grid": axes}, "fsa.yaml")
    root = recorded(Folder(str(tmp_path)), planned)
    found = ablation(root, planned.pipeline, planned.cells, Prices())
    assert (found.axes, found.share_axis) == (("finetune.share", "phases"), "finetune.share")
    assert [(row.choices, row.share, row.runs) for row in found.rows] == [
        ((share, phases), float(share), 2) for share in ("0.1", "1.0") for phases in ("both", "finetuning")
    ]
    assert [line.name for line in found.lines()] == ["both", "finetuning"]


def test_time_is_summed_over_the_stages_of_a_label(root: Folder, planned: Plan) -> None:
    entries = {entry.stage: entry for entry in ablation(root, planned.pipeline, planned.cells, Prices()).ledger}
    assert {"teach", "score", "select × 6", "student × 9", "evaluate-student × 9"} <= set(entries)
    assert entries["annotate-student × 9"].output_tokens == 90


def test_a_grid_that_is_not_done_says_what_is_to_come(root: Folder, planned: Plan) -> None:
    root.remove(planned.pipeline.stages["evaluate-student-whole-trial2"].folder)
    with pytest.raises(ValueError, match=r"1 of \d+ stages are to come, evaluate-student-whole-trial2 first"):
        ablation(root, planned.pipeline, planned.cells, Prices())

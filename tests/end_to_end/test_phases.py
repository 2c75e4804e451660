"""The recipes fsa, targeted and joint from their jobs, made small: every stage for real, and everything adds up."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.end_to_end.conftest import Cli, document

pytestmark = [pytest.mark.slow, pytest.mark.engine, pytest.mark.timeout(1800)]

JOBS = Path(__file__).parents[2] / "jobs"
SMALL: dict[str, dict[str, Any]] = {
    "fsa": {
        "corpus.invented": 200,
        "teacher.embedded.invented": 2000,
        "teacher.embedded.rewritings": 400,
        "train.max_steps": 20,
        "finetune.train.max_steps": 20,
        "finetune.invented": 60,
    },
    "targeted": {
        "corpus.invented": 200,
        "teacher.embedded.invented": 2000,
        "teacher.embedded.rewritings": 1000,
        "train.max_steps": 20,
        "alignment.train.max_steps": 20,
        "alignment.count": 200,
    },
    "joint": {
        "corpus.invented": 150,
        "records.count": 150,
        "teacher.embedded.invented": 1000,
        "teacher.embedded.rewritings": 500,
        "train.max_steps": 20,
        "alignment.train.max_steps": 20,
        "alignment.count": 150,
    },
}
TEACHER = {"teacher.embedded.train.max_steps": 400, "teacher.retries": 0, "evaluate.invented": 60}


@pytest.fixture(scope="module", params=SMALL)
def ran(request: pytest.FixtureRequest, house: Path, cli: Cli) -> str:
    recipe: str = request.param
    changes = [f"--set={key}={value}" for key, value in {**SMALL[recipe], **TEACHER}.items()]
    done = cli("run", str(JOBS / f"{recipe}.yaml"), "--placement", "placement.yaml", *changes)
    assert done.returncode == 0, done.stderr[-4000:]
    return recipe


def test_every_stage_is_done_and_everything_adds_up(ran: str, cli: Cli) -> None:
    stages = document(cli("show", ran, "--json"))["stages"]
    assert {stage["state"] for stage in stages} == {"done"}
    assert document(cli("verify", ran, "--json"))["passed"]
    scorecard = document(cli("report", ran, "--json"))
    assert "student" in str(scorecard)


def test_the_second_phase_began_with_the_weights_of_the_first(ran: str, cli: Cli) -> None:
    first = "pretrained" if ran == "fsa" else "knowledge"
    made, later = (document(cli("show", ran, label, "--json"))["record"]["artifact"] for label in (first, "student"))
    assert later["began_with"] == made["weights"] != later["weights"]


def test_students_learned_from_what_the_teacher_said(ran: str, cli: Cli) -> None:
    label = {"fsa": "parse", "targeted": "aligned", "joint": "distilled"}[ran]
    measures = document(cli("show", ran, label, "--json"))["record"]["measures"]
    # A teacher of so few steps is wrong most of the time; what it said was read, and what could be taught was kept.
    assert measures["rows"] > 0 and measures["rows"] + measures["rejected"] >= 150
    spec = yaml.safe_load((JOBS / f"{ran}.yaml").read_text("utf-8"))
    if ran != "fsa":
        assert "soft_labels" in spec["alignment"]["train"]
        packed = document(cli("show", ran, "pack-alignment", "--json"))["record"]
        assert packed["measures"]["soft"] > 0

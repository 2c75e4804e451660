"""CompEffDist from reviews to an evaluated student, with a small teacher made on the spot and the starter set."""

import json
from pathlib import Path

import pytest
import yaml

from fsa_ray.evaluation.tasks import load_task
from tests.end_to_end.conftest import Cli, document

pytestmark = [pytest.mark.engine, pytest.mark.slow, pytest.mark.timeout(1200)]

JOB = Path(__file__).parents[2] / "jobs" / "compeffdist.yaml"
TEXTS = ["a moving film", "dull and far too long", "the cast shines", "witty, warm and wise", "no", "left early"]


@pytest.fixture(scope="module")
def benchmark(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("bench")
    for path in load_task("sst2").paths(root, "test"):
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = [{"sentence": text, "label": ("positive", "negative")[n % 2]} for n, text in enumerate(TEXTS)]
        path.write_text(json.dumps(rows))
    return root


@pytest.fixture(scope="module")
def done(cli: Cli, house: Path, benchmark: Path) -> Path:
    spec = yaml.safe_load(JOB.read_text("utf-8"))
    spec["corpus"] = {"invented": 150}
    spec["records"] |= {"count": 240}
    embedded = spec["teacher"]["embedded"]
    embedded |= {"invented": 200, "rewritings": 100, "vocabulary": 800, "train": embedded["train"] | {"max_steps": 60}}
    spec["teacher"]["max_tokens"] = 40
    spec["student"]["vocabulary"] = 800
    spec["train"]["max_steps"] = 12
    spec["evaluate"] |= {"data": str(benchmark), "tasks": ["sst2"]}
    (house / "compeffdist.yaml").write_text(yaml.safe_dump(spec))
    ran = cli("run", "compeffdist.yaml", "--placement", "placement.yaml")
    assert ran.returncode == 0, ran.stderr[-4000:]
    return house


def test_every_stage_is_done_and_everything_adds_up(done: Path, cli: Cli) -> None:
    status = document(cli("show", "compeffdist", "--json"))
    assert {stage["state"] for stage in status["stages"]} == {"done"}
    measures = {stage["label"]: stage["measures"] for stage in status["stages"]}
    assert measures["instructions"]["tasks"] == 87 and measures["records"]["rows"] == 240
    assert measures["parse"]["rows"] + measures["parse"]["rejected"] == 240
    assert sum(one.get("engine_starts", 0) for one in measures.values()) == 2, "one for each model"
    assert document(cli("verify", "compeffdist", "--json"))["passed"]


def test_the_report_shows_what_became_of_the_instructions(done: Path, cli: Cli) -> None:
    found = document(cli("report", "compeffdist", "--json"))
    assert "sst2" in json.dumps(found)
    page = (done / "runs" / "reports" / "compeffdist.html").read_text("utf-8")
    assert "instructions" in page and "records" in page

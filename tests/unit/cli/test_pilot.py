"""What a pilot would ask, and what it tells of the whole run."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import yaml

from fsa_ray.cli.forecast import forecast, over_budget
from fsa_ray.cli.pilot import pilot_of, print_pilot
from fsa_ray.core.artifact import Rows, Table
from fsa_ray.core.budget import Budget
from fsa_ray.core.pipeline import Pipeline
from fsa_ray.core.placement import Placement
from fsa_ray.core.plan import plan
from fsa_ray.core.tables import write_table
from fsa_ray.recipes.starter import COMPEFFDIST
from fsa_ray.recipes.table import Plan, build
from fsa_ray.stages.ask import Ask
from fsa_ray.storage.folder import Folder
from tests.unit.finished import finish

JOBS = Path(__file__).parents[3] / "jobs"
RECIPES = ["demo", "fsa", "compeffdist", "targeted", "joint"]
PRICED = Placement(sections={"prices": {"prompt": 1.0, "output": 2.0}})


def job(name: str, **changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((JOBS / f"{name}.yaml").read_text("utf-8"))
    return found | changes


@pytest.fixture
def generating(tmp_path: Path) -> dict[str, Any]:
    """A teacher that makes instructions itself, and a file of 900 reviews."""
    reviews = tmp_path / "reviews.jsonl"
    reviews.write_text("\n".join(json.dumps({"text": f"Review number {n} is good."}) for n in range(900)))
    student = {"config": job("compeffdist")["student"]["config"]}
    teacher = {"endpoint": {"url": "http://localhost:1/v1", "model": "large"}}
    corpus = {"path": str(reviews), "limit": 600}
    return {**COMPEFFDIST, "corpus": corpus, "student": student, "teacher": teacher, "select": {"rate": 1.0}}


def tokens(planned: Plan, pipeline: Pipeline) -> int:
    root = Folder("memory://nothing-has-run")
    return forecast(root, planned, plan(root, pipeline), Placement()).tokens_to_come


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_pilot_asks_in_proportion_whatever_the_recipe_counts(recipe: str) -> None:
    whole = build(job(recipe), "test")
    pilot = build(job(recipe), "test", limit=20)
    assert tokens(pilot, pilot_of(pilot.pipeline)) < tokens(whole, whole.pipeline) / 50


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_pilot_reaches_every_teacher_and_trains_no_student(recipe: str) -> None:
    pilot = build(job(recipe), "test", limit=20)
    asked = {label for label, stage in pilot.pipeline.stages.items() if isinstance(stage, Ask)}
    assert asked <= set(pilot_of(pilot.pipeline).stages)
    assert not {"student", "knowledge", "pretrained", "gold-student"} & set(pilot_of(pilot.pipeline).stages)


def test_few_reviews_are_enough_to_make_instructions_of(generating: dict[str, Any]) -> None:
    pilot = build(generating, "test", limit=20).pipeline.stages
    assert pilot["attributes"].min_mentions == 1  # type: ignore[attr-defined]
    assert pilot["demonstrate"].repetitions == 1  # type: ignore[attr-defined]
    large = build(generating, "test", limit=10_000)
    assert large.pipeline.stages["attributes"].min_mentions == 6  # type: ignore[attr-defined]
    assert large.spec.corpus.limit == 600, "a pilot is never larger than the run"


def test_a_pilot_asks_other_tasks_as_well(tmp_path: Path) -> None:
    (tmp_path / "other.jsonl").write_text('{"task": "sum", "instruction": "Add.", "input": "1 and 1"}')
    alignment = {"count": 6000, "other": str(tmp_path / "other.jsonl"), "other_share": 0.02}
    stages = pilot_of(build(job("targeted", alignment=alignment), "test", limit=20).pipeline).stages
    assert stages["other-records"].count == 1 and stages["alignment-records"].count == 49  # type: ignore[attr-defined]
    assert "align-other" in stages


def test_a_spec_that_asks_nobody_has_no_pilot() -> None:
    student = {"model": "organisation/name", "revision": "0123abc"}
    nothing = build(job("fsa", phases="finetuning", student=student), "test", limit=20)
    with pytest.raises(ValueError, match="asks no teacher"):
        pilot_of(nothing.pipeline)


def test_each_stage_is_extrapolated_from_its_own_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    planned = build(job("targeted"), "test", limit=20)
    done = {"ingest": 20, "deduplicate": 20, "decontaminate": 19, "rewriting-sample": 6, "alignment-records": 20}
    asked = {"teach": (57, 5700, 570), "teach-rewriting": (6, 600, 300), "align": (20, 8000, 200)}
    said = told(Folder(str(tmp_path)), planned, done, asked, capsys)
    assert "align: about 6,000 requests, 2,400,000 prompt and 60,000 output tokens: 2.52 USD" in said
    assert "teach: about 17,100 requests, 1,710,000 prompt and 171,000 output tokens: 2.05 USD" in said
    assert "teach-rewriting: about 1,710 requests, 171,000 prompt and 85,500 output tokens: 0.34 USD" in said
    assert "all 6,000 reviews: about 4,281,000 prompt and 316,500 output tokens: 4.91 USD" in said
    assert "not counted" not in said


def test_what_a_pilot_cannot_tell_is_not_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], generating: dict[str, Any]
) -> None:
    planned = build(generating | {"grid": {"trial": [0, 1]}}, "test", limit=20)
    done = {"ingest": 20, "deduplicate": 20, "attribute-sample": 20, "clusters": 7, "proposals": 20}
    done |= {"definitions": 10, "records": 20}
    asked = {"enumerate": (20, 2000, 200), "analyse": (7, 700, 70), "propose": (7, 700, 70)}
    asked |= {"standardise": (20, 2000, 200), "demonstrate": (10, 1000, 100), "teach": (20, 2000, 200)}
    said = told(Folder(str(tmp_path)), planned, done, asked, capsys)
    assert "enumerate: about 600 requests, 60,000 prompt and 6,000 output tokens" in said
    assert "teach: about 100,000 requests, 10,000,000 prompt and 1,000,000 output tokens" in said
    assert "all 600 reviews: about 10,060,000 prompt and 1,006,000 output tokens: 12.07 USD" in said
    for label in ("analyse", "propose", "standardise", "demonstrate"):
        assert f"not counted: {label}, which makes as many requests as earlier answers call for" in said
    assert "not counted: what the grid changes" in said


def told(
    root: Folder,
    planned: Plan,
    done: dict[str, int],
    asked: dict[str, tuple[int, int, int]],
    capsys: pytest.CaptureFixture[str],
) -> str:
    """What is printed after a pilot of 20 reviews. `done`: rows of stages; `asked`: requests and tokens."""
    pilot = pilot_of(planned.pipeline)
    for label, stage in pilot.stages.items():
        measures: dict[str, float] = {"rows": done.get(label, 20)}
        kept, reasons = Table(files=()), {}
        if label in asked:
            measures |= dict(zip(("requests", "prompt_tokens", "output_tokens"), asked[label], strict=True))
            answers = {"kind": ["analysis"], "text": ["negative [soup]"], "error": pa.nulls(1, pa.string())}
            kept = write_table(root, root / label, pa.table(answers))
        elif label == "ingest":
            kept = write_table(root, root / label, pa.table({"id": [str(n) for n in range(20)]}))
            reasons = {"over_limit": 880}
        finish(
            root, stage, measures, Rows(kept=kept, rejected=Table(files=()), reasons=reasons).model_dump(mode="json")
        )
    print_pilot(root, planned, PRICED)
    return " ".join(capsys.readouterr().out.split())


def test_a_budget_that_will_not_do_is_told_before_the_run(generating: dict[str, Any]) -> None:
    planned = build(generating, "test")
    root = Folder("memory://nothing-has-run")
    found = forecast(root, planned, plan(root, planned.pipeline), PRICED)
    assert found.cost_to_come is not None
    assert over_budget(found, Budget()) == []
    assert over_budget(found, Budget(tokens=found.tokens_to_come, money=found.cost_to_come)) == []
    tokens, money = over_budget(found, Budget(tokens=found.tokens_to_come - 1, money=found.cost_to_come / 2))
    assert f"takes about {found.tokens_to_come:,} tokens" in tokens and "raise the budget" in tokens
    assert "budget.money" in money
    later = found.model_copy(update={"tokens_spent": 5, "cost_spent": 0.01})
    assert len(over_budget(later, Budget(tokens=found.tokens_to_come + 4, money=found.cost_to_come))) == 2
    done = later.model_copy(update={"tokens_to_come": 0, "cost_to_come": None})
    assert over_budget(done, Budget(tokens=1, money=0.001)) == []

"""The recipe compeffdist as a graph."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from fsa_ray.core.stage import Stage
from fsa_ray.recipes.starter import COMPEFFDIST, render
from fsa_ray.recipes.table import RECIPES, build, load_pipeline
from fsa_ray.stages.instructions.respond import Respond
from fsa_ray.stages.instructions.usable import UsableInstructions

JOBS = Path(__file__).parents[3] / "jobs"


def document(**instructions: Any) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((JOBS / "compeffdist.yaml").read_text("utf-8"))
    return {**found, "instructions": instructions}


def above(stage: Stage[Any]) -> set[str]:
    return {stage.name}.union(*(above(found) for found in stage.inputs().values()))


def test_a_file_of_instructions_asks_the_teacher_for_none() -> None:
    stages = build(document(generate=False, file="starter"), "test").pipeline.stages
    assert not {"enumerate", "propose", "demonstrate"} & set(stages)
    assert isinstance(stages["teach"], Respond)
    assert {"supplied", "records", "respond", "distilled", "score", "select"} <= above(stages["student"])


def test_generated_instructions_go_all_the_way_and_join_those_of_a_file() -> None:
    teacher = {"endpoint": {"url": "http://localhost:1/v1", "model": "large"}}
    given = {**document(file="starter"), "teacher": teacher, "select": {"rate": 1.0}}
    stages = build(given, "test").pipeline.stages
    usable = stages["instructions"]
    assert isinstance(usable, UsableInstructions)
    assert [source.name for source in usable.sources] == ["supplied", "generated"]
    wanted = {"enumerate", "attributes", "clusters", "analyse", "propose", "proposals", "standardise", "demonstrate"}
    assert wanted <= above(stages["student"])


def test_the_embedded_teacher_learns_the_tasks_of_the_file_only() -> None:
    stages = build(document(generate=False, file="starter"), "test").pipeline.stages
    assert "solved" in above(stages["teacher"])
    assert not {"respond", "records"} & above(stages["teacher"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"instructions": {"generate": False}}, "give a `file`"),
        ({"instructions": {"generate": False, "file": "no-such-file.json"}}, "no-such-file.json"),
        ({"instructions": {"generates": True}}, "generate"),
        ({"instructions": {"file": "starter"}}, "too weak"),
        ({"gold": {"labels": 5}}, "no control on gold labels"),
        ({"evaluate": {"invented": 5}}, "SentiBench"),
    ],
)
def test_mistakes_are_named(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        build({**document(generate=False, file="starter"), **change}, "test")


def test_the_jobs_are_what_they_say() -> None:
    recipe = RECIPES["compeffdist"]
    assert (JOBS / "compeffdist-70b.yaml").read_text("utf-8") == render(COMPEFFDIST, recipe.about, recipe.spec)
    assert "student" in load_pipeline(JOBS / "compeffdist.yaml", []).pipeline.stages

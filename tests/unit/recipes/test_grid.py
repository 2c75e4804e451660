"""Grids: their cells, what the cells share, and what is refused in which words."""

import copy
import json
from typing import Any

import pytest
import yaml

from fsa_ray.core.grid import distinct
from fsa_ray.recipes.table import EVALUATED, RECIPES, Plan, build


def demo(**grid: Any) -> dict[str, Any]:
    document = yaml.safe_load(yaml.safe_dump(RECIPES["demo"].starter))
    return {**document, "grid": grid}


def experiment() -> Plan:
    return build(copy.deepcopy(RECIPES["ablation"].starter), "spec.yaml")


def count(planned: Plan, name: str) -> int:
    return sum(stage.name == name for stage in planned.pipeline.stages.values())


def test_every_combination_is_a_cell_and_equal_ones_are_one() -> None:
    planned = experiment()
    assert len(planned.cells) == 45
    students = distinct(planned.cells, EVALUATED)
    assert len(students) == 39
    assert [cell.choices for cell in students if cell.choices["select.rate"] == "1.0"] == [
        {"select.rate": "1.0", "trial": trial} for trial in "012"
    ]


def test_shared_stages_are_computed_once() -> None:
    planned = experiment()
    once = ("parse", "deduplicate", "decontaminate", "benchmark")
    assert [count(planned, name) for name in once] == [1] * len(once)
    assert count(planned, "teach") == 2  # analysis and rewriting
    assert count(planned, "score") == 2  # random and ranking score share theirs
    assert count(planned, "select") == 36
    assert count(planned, "train") == 39 + 2  # teacher and gold student
    assert count(planned, "evaluate") == 39 + 3
    assert {"student-rate0.05-ranking-score-trial2", "student-rate1.0-trial0", "score-perplexity"} <= set(
        planned.pipeline.stages
    )


def test_the_experiment_shares_with_the_demo_all_but_what_is_trained_on_answers() -> None:
    demos = build(copy.deepcopy(RECIPES["demo"].starter), "demo").pipeline.stages
    ours = {stage.fingerprint for stage in experiment().pipeline.stages.values()}
    shared = {label for label, stage in demos.items() if stage.fingerprint in ours}
    assert {"teacher", "teach", "teach-rewriting", "parse", "gold-pack", "evaluate-teacher"} <= shared
    assert not {"student", "gold-student", "score"} & shared


def test_the_first_cell_is_what_the_spec_alone_would_be() -> None:
    first = experiment().cells[0].stages
    document = copy.deepcopy(RECIPES["ablation"].starter)
    document.pop("grid")
    document["select"] = {"rate": 0.05, "mode": "random"}
    alone = build(document, "spec.yaml").pipeline.stages
    assert {label: stage.fingerprint for label, stage in first.items()} == {
        label: alone[label].fingerprint for label in first
    }
    assert set(alone) - set(first) == {"sample", "predict"}


def test_engines_are_asked_in_one_go() -> None:
    asked = [next(iter(stage.engines())) for _, stage in experiment().pipeline.order() if stage.engines()]
    changes = [engine for engine, before in zip(asked, [None, *asked], strict=False) if engine != before]
    assert len(changes) == len(set(asked)) == 39 + 2


def test_what_a_run_remembers_stands_for_the_same_pipeline() -> None:
    axes = {"select.rate": [0.5, 1], "other": {"a": {"gold": None, "score.model": "teacher"}, "b": {"seed": 1}}}
    planned = build(demo(**axes), "spec.yaml")
    remembered = planned.spec.model_dump(mode="json", exclude_none=True)
    again = build(json.loads(json.dumps(remembered)), "the index")
    assert {label: stage.fingerprint for label, stage in again.pipeline.stages.items()} == {
        label: stage.fingerprint for label, stage in planned.pipeline.stages.items()
    }


def test_a_pilot_leaves_the_grid_out() -> None:
    pilot = build(demo(**{"select.rate": [0.5, 1]}), "spec.yaml", limit=7)
    assert not pilot.cells
    assert pilot.spec.grid is None
    assert "student" in pilot.pipeline.stages


@pytest.mark.parametrize(
    ("grid", "said"),
    [
        ({"select.rat": [0.5]}, "spec.yaml, cell select.rat 0.5: unknown key 'select.rat'; did you mean 'rate'"),
        ({"selct.rate": [0.5]}, "did you mean 'select'"),
        ({"select.rate": [0.5, 7]}, "cell select.rate 7: select.rate: Input should be less than or equal to 1"),
        ({"a": {"b": {"score.mode": "x"}}}, "cell a b: unknown key 'score.mode'"),
        ({"score.model": ["student"]}, "cell score.model student: score.model: student: a student made from a config"),
        ({"select.rate": []}, "select.rate: list numbers or words"),
        ({"select.rate": [0.5, None]}, "select.rate: list numbers or words"),
        ({"teacher": [{"model": "x"}]}, "give other values names"),
        ({"trial": [0, 1, 0]}, "trial: a value is listed twice"),
        ({"trial": 3}, "trial: expected a list of values, or a mapping"),
        ({"sampler": {}}, "sampler: expected a list of values, or a mapping"),
        ({"sampler": {"random": "random"}}, "sampler.random: expected settings"),
        ({"sampler": {" ": {"seed": 1}}}, "sampler: a choice has no name"),
        ({"name": ["a", "b"]}, "name: name belongs to the whole run"),
        ({"x": {"y": {"budget.tokens": 1}}}, "budget.tokens belongs to the whole run"),
        ({"select.rate": [0.5], "s": {"a": {"select.rate": 1}}}, "s: select.rate varies along select.rate already"),
        ({"x": {"y": {"select": {}}}, "select.rate": [1]}, "select.rate: select.rate varies along x already"),
        ({"corpus.invented.x": [1]}, "grid: corpus.invented.x: 'invented' holds a value, not a section"),
    ],
)
def test_a_mistake_is_named_with_its_place(grid: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=r"spec\.yaml") as error:
        build(demo(**grid), "spec.yaml")
    assert said in str(error.value)


def test_a_grid_that_measures_nothing_is_refused() -> None:
    document = demo(**{"select.rate": [0.5, 1]})
    document["evaluate"] = {}
    with pytest.raises(ValueError, match="a grid compares scores"):
        build(document, "spec.yaml")

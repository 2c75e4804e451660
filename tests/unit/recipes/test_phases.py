"""The recipes fsa, targeted and joint as graphs."""

import json
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import yaml

from fsa_ray.core.stage import Stage
from fsa_ray.recipes.architecture import ENCODER_DECODERS
from fsa_ray.recipes.starter import FSA, JOINT, TARGETED, render
from fsa_ray.recipes.table import RECIPES, build, load_pipeline
from fsa_ray.stages.doubt import Doubt
from fsa_ray.stages.hold_out import HeldOut, Remaining
from fsa_ray.stages.pair import Pair
from fsa_ray.stages.train import Train

JOBS = Path(__file__).parents[3] / "jobs"
STEPS = {"max_steps": 5, "global_batch": 8, "learning_rate": 0.01}
STARTERS = {"fsa": ("fsa-mixtral", FSA), "targeted": ("targeted-70b", TARGETED), "joint": ("joint-70b", JOINT)}


def document(recipe: str, **changes: Any) -> dict[str, Any]:
    job = JOBS / f"{'demo' if recipe == 'distil' else recipe}.yaml"
    found: dict[str, Any] = yaml.safe_load(job.read_text("utf-8"))
    return found | changes


def stages(recipe: str, **changes: Any) -> dict[str, Stage[Any]]:
    return dict(build(document(recipe, **changes), "test").pipeline.stages)


def trained(stage: Any) -> Train:
    assert isinstance(stage, Train)
    return stage


@pytest.mark.parametrize("recipe", STARTERS)
def test_the_jobs_are_what_they_say(recipe: str) -> None:
    name, starter = STARTERS[recipe]
    found = RECIPES[recipe]
    assert (JOBS / f"{name}.yaml").read_text("utf-8") == render(starter, found.about, found.spec)
    assert "student" in load_pipeline(JOBS / f"{recipe}.yaml", []).pipeline.stages


def test_the_second_phase_starts_from_the_first() -> None:
    both = stages("targeted")
    assert trained(both["student"]).start is both["knowledge"]
    assert trained(both["knowledge"]).start is None


@pytest.mark.parametrize(
    ("phases", "steps", "tables"), [("mixed", 700, 2), ("knowledge", 700, 1), ("alignment", 700, 1), ("none", 0, 1)]
)
def test_controls_are_one_training(phases: str, steps: int, tables: int) -> None:
    found = stages("targeted", phases=phases)
    student = trained(found["student"])
    assert "knowledge" not in found and student.start is None
    assert student.settings.max_steps == steps and len(student.corpus.examples) == tables  # type: ignore[attr-defined]


def test_teacher_and_knowledge_are_shared_by_the_cells_of_a_grid() -> None:
    cells = build(document("targeted", grid={"phases": ["both", "none"], "trial": [0, 1]}), "test").cells
    for label in ("teacher", "teach", "aligned"):
        assert len({cell.stages[label].fingerprint for cell in cells}) == 1
    assert len({cell.stages["student"].fingerprint for cell in cells}) == 4


def test_fine_tuning_starts_from_the_pre_trained_student_or_afresh() -> None:
    both, control = stages("fsa"), stages("fsa", phases="finetuning")
    student = trained(both["student"])
    assert student.start is both["pretrained"] and student.tokenizer is both["tokenizer"]
    assert isinstance(student.corpus, Pair)
    fresh = trained(control["student"])
    assert fresh.start is None and "pretrained" not in control
    assert fresh.corpus.fingerprint == student.corpus.fingerprint


def test_trials_of_fsa_differ_in_fine_tuning_only() -> None:
    first, second = stages("fsa"), stages("fsa", trial=1)
    assert first["pretrained"].fingerprint == second["pretrained"].fingerprint
    assert first["student"].fingerprint != second["student"].fingerprint


def test_joint_learns_from_perspectives_and_from_instructions_then_from_tasks() -> None:
    found = stages("joint")
    knowledge = trained(found["knowledge"])
    assert [stage.name for stage in knowledge.corpus.examples] == ["select", "select"]  # type: ignore[attr-defined]
    assert trained(found["student"]).settings.soft_labels is not None
    assert {"respond", "distilled", "aligned", "parse"} <= set(found)


@pytest.mark.parametrize("recipe", ["targeted", "joint", "demo"])
def test_doubt_of_the_teacher_needs_no_proxy(recipe: str) -> None:
    found = stages(recipe, select={"rate": 0.5}, score={"metric": "entropy"})
    assert all(isinstance(found[label], Doubt) for label in found if label.startswith("score"))
    assert "score" in found


@pytest.mark.parametrize(
    ("teacher", "said"),
    [
        ({"prompts": ["emotion", "aspects"]}, "score.metric: entropy: no answer here begins"),
        ({"style": "json", "embedded": None, "model": "a/b", "revision": "c"}, "set teacher.weigh_labels"),
    ],
)
def test_doubt_is_refused_where_the_teacher_tells_none(teacher: dict[str, Any], said: str) -> None:
    given = document("targeted", select={"rate": 0.5}, score={"metric": "entropy"})
    given["teacher"] |= teacher
    with pytest.raises(ValueError, match=said):
        build(given, "test")


def test_answers_to_instructions_tell_no_doubt() -> None:
    with pytest.raises(ValueError, match="no answer here begins with a label word; take another metric"):
        stages("compeffdist", score={"metric": "margin"})


@pytest.mark.parametrize("recipe", ["targeted", "joint"])
def test_other_tasks_have_their_share_and_are_asked_once(recipe: str, tmp_path: Path) -> None:
    (tmp_path / "other.jsonl").write_text('{"task": "sum", "instruction": "Add.", "input": "1 and 1"}')
    given = document(recipe)
    given["teacher"]["temperature"] = 0.7
    given["alignment"] |= {"other": str(tmp_path / "other.jsonl"), "other_share": 0.2, "count": 50, "samples": 3}
    found: dict[str, Any] = dict(build(given, "test").pipeline.stages)
    assert (found["alignment-records"].count, found["other-records"].count) == (40, 10)
    assert (found["align"].samples, found["align-other"].samples) == (3, 1)
    learned = [table.fingerprint for table in found["student"].corpus.examples]
    assert learned == [found[label].fingerprint for label in ("aligned", "aligned-other")]


def test_a_control_pays_for_nothing_that_it_leaves_out(tmp_path: Path) -> None:
    for name in ("config.json", "model.safetensors"):
        (tmp_path / name).write_text("{}")
    model = {"model": str(tmp_path)}
    assert not {"teach", "parse", "ingest"} & set(stages("fsa", phases="finetuning", student=model))
    none = stages("targeted", phases="none", student=model)
    assert not {"align", "aligned"} & set(none)


@pytest.mark.parametrize("recipe", ["demo", "targeted", "joint", "fsa", "compeffdist"])
def test_what_is_watched_is_not_learned(recipe: str) -> None:
    watched = {**STEPS, "watch": {"every": 5}}
    given = document(recipe, train=watched)
    found = build(given, "test").pipeline.stages
    first = found.get("knowledge") or found.get("pretrained") or found["student"]
    assert first.dev is not None
    learned, looked_at = first.corpus.examples, first.dev.examples
    assert all(isinstance(table, Remaining) for table in learned)
    assert all(isinstance(table, HeldOut) for table in looked_at)
    assert [table.examples for table in learned] == [table.examples for table in looked_at]


@pytest.mark.parametrize(
    ("recipe", "change", "said"),
    [
        ("fsa", {"gold": {"labels": 3}}, "learns from all answers"),
        ("fsa", {"evaluate": {}}, "give `data` and one of `tasks`, or `invented`"),
        ("targeted", {"alignment": {"samples": 3}}, "set teacher.temperature"),
        ("targeted", {"alignment": {"tasks": ["poetry"]}}, "no alignment task 'poetry'"),
        ("targeted", {"alignment": {"other_share": 0.5}}, "give the file of other tasks"),
        (
            "targeted",
            {"alignment": {"other": "/no/such.jsonl", "other_share": 0.5}},
            "such.jsonl is no file; give other",
        ),
        ("targeted", {"alignment": {"tasks": ["polarity", "polarity"]}}, "alignment.tasks: .*polarity is listed twice"),
        (
            "targeted",
            {"alignment": {"tasks": ["targets", "aspects"], "train": {**STEPS, "soft_labels": {}}}},
            "alignment.train.soft_labels: .* add polarity to alignment.tasks",
        ),
        (
            "targeted",
            {"alignment": {"benchmark": "somewhere", "benchmark_tasks": ["acsa_rest16"]}},
            "acsa_rest16 has no aspect_term, which solved cases of targets need",
        ),
        (
            "targeted",
            {"alignment": {"tasks": ["aspects"], "benchmark": "somewhere", "benchmark_tasks": ["atsa_rest16"]}},
            "atsa_rest16 has no aspect_category",
        ),
        (
            "targeted",
            {"alignment": {"tasks": ["polarity"], "benchmark": "somewhere", "benchmark_tasks": ["opener"]}},
            "opener has no sentiment, which",
        ),
        ("distil", {"gold": {"benchmark": "somewhere", "tasks": ["opener"]}}, "opener cannot be learned from"),
        ("distil", {"gold": {"benchmark": "somewhere", "tasks": ["irony18"]}}, r"irony18 .* \(non-irony, irony\)"),
        ("distil", {"gold": {"benchmark": "somewhere", "tasks": ["fsa_atsa_rest14"]}}, r"\(conflict\)"),
        ("targeted", {"student": {"config": {"model_type": "t5"}}}, "student.config: t5 is an encoder-decoder"),
        ("fsa", {"student": {"config": {"model_type": "qwen3"}}}, "student.config: qwen3 is no encoder-decoder"),
        ("targeted", {"gold": {"labels": 3}}, "vary `phases`"),
        ("targeted", {"phases": "mixed", "train": {"epochs": 1, "global_batch": 8, "learning_rate": 0.1}}, "in steps"),
        ("targeted", {"evaluate": {"data": "somewhere"}}, "no `tasks` there are named"),
        ("fsa", {"train": {**STEPS, "soft_labels": {}}}, "train.soft_labels: no answer here begins"),
        (
            "targeted",
            {"teacher": {"endpoint": {"url": "http://localhost:1", "model": "x"}}},
            "alignment.train.soft_labels: an endpoint",
        ),
        ("joint", {"records": {"structured": True}}, "plain text only"),
        (
            "targeted",
            {"teacher": {"endpoint": {"url": "http://localhost:1", "model": "x"}, "weigh_labels": True}},
            "an endpoint does not tell",
        ),
    ],
)
def test_mistakes_are_named(recipe: str, change: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        stages(recipe, **change)


@pytest.mark.parametrize(
    ("recipe", "config", "said"),
    [
        ("targeted", {"model_type": "own", "is_encoder_decoder": True}, "student.model: own is an encoder-decoder"),
        ("fsa", {"model_type": "llama"}, "student.model: llama is no encoder-decoder"),
        ("fsa", {"model_type": "own", "is_encoder_decoder": True}, None),
        ("targeted", {"model_type": "llama"}, None),
    ],
)
def test_a_given_student_of_the_wrong_kind_is_refused(
    recipe: str, config: dict[str, Any], said: str | None, tmp_path: Path
) -> None:
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "model.safetensors").write_text("{}")
    with nullcontext() if said is None else pytest.raises(ValueError, match=said):
        stages(recipe, student={"model": str(tmp_path)})


def test_the_types_that_are_called_encoder_decoders_are() -> None:
    from transformers import AutoConfig

    for name in ("t5", "bart", "pegasus"):
        assert name in ENCODER_DECODERS and AutoConfig.for_model(name).is_encoder_decoder
    assert "qwen3" not in ENCODER_DECODERS and not AutoConfig.for_model("qwen3").is_encoder_decoder


@pytest.mark.parametrize("prompts", [["analysis", "analysis"], ["emotion", "analysis", "emotion"]])
def test_a_prompt_is_not_asked_twice(prompts: list[str]) -> None:
    given = document("targeted")
    given["teacher"]["prompts"] = prompts
    with pytest.raises(ValueError, match=r"teacher\.prompts: .* is listed twice"):
        build(given, "test")


def test_an_embedded_teacher_learns_only_what_has_gold_answers() -> None:
    given = document("targeted")
    given["teacher"]["prompts"] = ["analysis", "rhetoric"]
    with pytest.raises(ValueError, match="cannot be taught rhetoric"):
        build(given, "test")


def test_soft_labels_are_compared_with_hard_ones_and_the_gold_student_has_none() -> None:
    cells = build(yaml.safe_load((JOBS / "soft-labels.yaml").read_text("utf-8")), "test").cells
    assert len({cell.stages["student"].fingerprint for cell in cells}) == 18
    assert len({cell.stages["gold-student"].fingerprint for cell in cells}) == 1

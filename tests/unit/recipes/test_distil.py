"""The recipe as a graph: what depends on what, honestly; and its golden fingerprints."""

import json
import os
from pathlib import Path

import pytest
import yaml

from fsa_ray.core.stage import Stage
from fsa_ray.recipes.table import RECIPES, build
from fsa_ray.stages.invent import Invent
from fsa_ray.stages.score import Score
from fsa_ray.stages.train import Train

GOLDEN = Path(__file__).parents[2] / "golden" / "demo_fingerprints.json"


@pytest.fixture(scope="module")
def stages() -> dict[str, Stage]:
    return build(yaml.safe_load(yaml.safe_dump(RECIPES["demo"].starter)), "demo").pipeline.stages


def above(stage: Stage) -> set[str]:
    found = set()
    for dependency in stage.inputs().values():
        found |= {dependency.fingerprint} | above(dependency)
    return found


def test_the_student_never_sees_gold_labels(stages: dict[str, Stage]) -> None:
    gold = {stages["gold-labels"].fingerprint, stages["test-labels"].fingerprint}
    corpus = stages["pack"]
    direct = {s.fingerprint for s in corpus.inputs().values()}
    assert not direct & gold
    examples = corpus.inputs()["examples.0"]
    assert examples.fingerprint == stages["select"].fingerprint


def test_the_corpus_is_cleaned_of_test_teacher_and_gold_texts(stages: dict[str, Stage]) -> None:
    against = {s.fingerprint for field, s in stages["decontaminate"].inputs().items() if field.startswith("against")}
    assert {stages[label].fingerprint for label in ("benchmark", "teacher-labels-invented", "gold-labels")} == against


def test_splits_of_invented_reviews_are_kept_apart(stages: dict[str, Stage]) -> None:
    splits = {label: stage.split for label, stage in stages.items() if isinstance(stage, Invent)}
    assert splits == {
        "ingest": "corpus", "test-labels": "test", "teacher-labels-invented": "train",
        "teacher-labels-rewritten": "train", "gold-labels": "train",
    }  # fmt: skip


def test_the_gold_student_is_the_same_student(stages: dict[str, Stage]) -> None:
    student, gold = stages["student"], stages["gold-student"]
    assert isinstance(student, Train) and isinstance(gold, Train)
    assert (student.config, student.tokenizer, student.settings) == (gold.config, gold.tokenizer, gold.settings)


def test_every_stage_stands_after_its_inputs_and_engines_are_asked_in_one_go(stages: dict[str, Stage]) -> None:
    pipeline = build(yaml.safe_load(yaml.safe_dump(RECIPES["demo"].starter)), "demo").pipeline
    order = pipeline.order()
    seen: set[str] = set()
    for _, stage in order:
        assert {s.fingerprint for s in stage.inputs().values()} <= seen
        seen.add(stage.fingerprint)
    asked = [next(iter(stage.engines())) for _, stage in order if stage.engines()]
    changes = [engine for engine, before in zip(asked, [None, *asked], strict=False) if engine != before]
    assert len(changes) == len(set(asked)) == 3


def test_fingerprints_are_the_golden_ones(stages: dict[str, Stage]) -> None:
    """A change here means that stored results of users are computed anew: was that the intention?"""
    found = {label: f"{stage.name}/{stage.fingerprint}" for label, stage in stages.items()}
    if os.environ.get("FSA_RAY_WRITE_GOLDEN"):
        GOLDEN.write_text(json.dumps(found, indent=2) + "\n")
    assert found == json.loads(GOLDEN.read_text())


def test_asking_again_adopts_what_was_good() -> None:
    document = yaml.safe_load(yaml.safe_dump(RECIPES["demo"].starter))
    document["teacher"]["ask_again"] = 1
    again = build(document, "demo").pipeline.stages
    first = build({**document, "teacher": {**document["teacher"], "ask_again": 0}}, "demo").pipeline.stages["teach"]
    assert again["teach"].inputs()["adopt"].fingerprint == first.fingerprint
    assert again["teach"].fingerprint != first.fingerprint


def test_a_stage_that_is_not_there_cannot_be_asked_again() -> None:
    document = yaml.safe_load(yaml.safe_dump(RECIPES["demo"].starter))
    document["teacher"]["ask_again"] = {"teach": 1, "align": 1}
    for limit in (None, 20):
        with pytest.raises(
            ValueError, match=r"demo: teacher\.ask_again: no stage is called 'align' here; there are: te"
        ):
            build(document, "demo", limit)
    document["teacher"] |= {"ask_again": {"teach-rewriting": 1}, "prompts": ["analysis"]}
    with pytest.raises(ValueError, match="no stage is called 'teach-rewriting' here"):
        build(document, "demo")
    prompts = {
        "prompts": {"one": {"teacher.prompts": ["analysis"]}, "both": {"teacher.prompts": ["analysis", "rewriting"]}}
    }
    assert build({**document, "grid": prompts}, "demo").cells, "one of its cells has it"


def test_a_trial_draws_and_trains_the_student_anew_and_nothing_before(stages: dict[str, Stage]) -> None:
    document = yaml.safe_load(yaml.safe_dump(RECIPES["demo"].starter))
    again = build({**document, "trial": 1}, "demo").pipeline.stages
    changed = {label for label, stage in stages.items() if again[label].fingerprint != stage.fingerprint}
    assert changed == {"select", "pack", "student", "annotate-student", "evaluate-student", "predict"}
    for label in ("select", "pack"):
        assert again[label].seed != stages[label].seed
    assert again["student"].settings.seed != stages["student"].settings.seed


def test_where_all_examples_are_kept_none_is_scored() -> None:
    document = yaml.safe_load(yaml.safe_dump(RECIPES["demo"].starter))
    whole = [
        build({**document, "select": {"rate": 1, "mode": mode}, "score": {"model": model}}, "demo").pipeline.stages
        for mode, model in (("soft", "gold"), ("random", "teacher"))
    ]
    assert not {"score", "select"} & set(whole[0])
    assert whole[0]["pack"].inputs()["examples.0"].fingerprint == whole[0]["parse"].fingerprint
    assert whole[0]["student"].fingerprint == whole[1]["student"].fingerprint


def test_the_metric_of_difficulty_is_the_specs() -> None:
    document = yaml.safe_load(yaml.safe_dump(RECIPES["demo"].starter))
    document["score"]["metric"] = "ifd"
    changed = build(document, "demo").pipeline.stages["score"]
    assert isinstance(changed, Score) and changed.metric == "ifd"

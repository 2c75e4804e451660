"""CompEffDist's instructions end to end, made by a teacher that is wrong one time in five."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from fsa_ray.core.pipeline import Pipeline
from fsa_ray.core.placement import Placement
from fsa_ray.core.record import read_record
from fsa_ray.core.runner import Runner, load
from fsa_ray.core.tables import read_table
from fsa_ray.core.verification import verify
from fsa_ray.recipes.table import build
from fsa_ray.sentiment.instructions.task import TaskDefinition
from fsa_ray.stages import serving
from fsa_ray.storage.folder import Folder
from tests.ray.scripted_teacher import fault_of, scripted_teacher
from tests.ray.test_suite import Silent

pytestmark = [pytest.mark.engine, pytest.mark.slow]

ASKS = ("enumerate", "analyse", "propose", "standardise", "demonstrate", "teach")


def spec(url: str) -> dict[str, Any]:
    return {
        "name": "scripted",
        "recipe": "compeffdist",
        "corpus": {"invented": 80},
        "deduplicate": {"near": False},
        "instructions": {
            "reviews": 60, "min_mentions": 2, "clustering": "agglomerative", "clusters": 4, "repetitions": 5
        },
        "records": {"count": 300, "shots": 2},
        "teacher": {
            "endpoint": {"url": url, "model": "scripted", "key_variable": "FSA_RAY_TEST_KEY"},
            "retries": 1,
        },
        "select": {"rate": 1.0},
        "student": {"config": {"model_type": "qwen3"}},
    }  # fmt: skip


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Folder, Pipeline]]:
    root = Folder(str(tmp_path_factory.mktemp("root")))
    with scripted_teacher() as url, pytest.MonkeyPatch.context() as patch:
        patch.setenv("FSA_RAY_TEST_KEY", "key")
        pipeline = Pipeline("scripted", build(spec(url), "test").pipeline.leading_to(["parse"]))
        Runner(root, Placement(), Silent(), serving.release).run(pipeline)
    yield root, pipeline
    serving.close()


def rows(done: tuple[Folder, Pipeline], label: str, part: str = "kept") -> list[dict[str, Any]]:
    root, pipeline = done
    return read_table(root, getattr(load(root, pipeline.stages[label]), part)).to_pylist()


def test_all_adds_up(done: tuple[Folder, Pipeline]) -> None:
    root, pipeline = done
    findings = verify(root, pipeline)
    assert [finding for finding in findings if not finding.passed] == []


@pytest.mark.parametrize("label", ASKS)
def test_one_answer_in_five_is_given_up_with_a_reason(done: tuple[Folder, Pipeline], label: str) -> None:
    root, pipeline = done
    record = read_record(root, pipeline.stages[label])
    assert record is not None
    answers = rows(done, label)
    wrong = [answer for answer in answers if answer["error"] is not None]
    assert record.measures["failed"] == len(wrong)
    assert all(answer["tries"] == 2 for answer in wrong), "each was asked once more"
    if len(answers) > 50:
        assert 0.05 < len(wrong) / len(answers) < 0.35


def test_no_demonstration_sits_on_a_wrong_task(done: tuple[Folder, Pipeline]) -> None:
    tasks = [row for row in rows(done, "instructions") if row["kind"] != "analysis"]
    assert len(tasks) > 5
    grown = 0
    for row in tasks:
        task = TaskDefinition.model_validate_json(row["definition"])
        assert task.name == row["name"]
        assert f"[task about {task.name}]" in task.description
        for shown in task.examples:
            assert shown.input.endswith((f"of {task.name}.", f"of the [task about {task.name}].")), shown
            grown += "[" in shown.input
    assert grown > len(tasks), "most tasks have new demonstrations"


def test_each_cluster_s_instructions_are_its_own(done: tuple[Folder, Pipeline]) -> None:
    names = {row["name"] for row in rows(done, "clusters")}
    assert len(names) == 4
    for row in rows(done, "instructions"):
        assert row["cluster"] in names
        assert row["kind"] == "analysis" or row["name"].startswith(row["cluster"])


def test_records_meet_their_quotas_and_examples_obey(done: tuple[Folder, Pipeline]) -> None:
    records = {row["id"]: row for row in rows(done, "records")}
    assert len(records) == 300
    clusters = [row["cluster"] for row in records.values()]
    share = 300 / len(set(clusters))
    assert all(abs(clusters.count(name) - share) <= 1 for name in set(clusters))
    refused = rows(done, "parse", "rejected")
    assert refused and len(refused) + len(rows(done, "parse")) == 300
    for example in rows(done, "parse"):
        assert fault_of(example["prompt"]) is None
        if example["kind"] == "extraction":
            assert json.loads(example["answer"]) == []


def test_attributes_are_counted_over_reviews(done: tuple[Folder, Pipeline]) -> None:
    attributes = rows(done, "attributes")
    assert len(attributes) == 7
    assert attributes == sorted(attributes, key=lambda row: (-row["mentions"], row["name"]))

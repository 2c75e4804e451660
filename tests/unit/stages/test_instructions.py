"""CompEffDist's instructions with a teacher in this process: what is asked again, and where all of it comes from."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

from fsa_ray.cli import app
from fsa_ray.core.pipeline import Pipeline
from fsa_ray.core.placement import Placement
from fsa_ray.core.record import read_record
from fsa_ray.core.runner import Runner, load
from fsa_ray.core.tables import read_table
from fsa_ray.engine import encoder, endpoint, run_units
from fsa_ray.engine.question import Reply
from fsa_ray.engine.units import Counts, UnitFolder
from fsa_ray.recipes.table import build
from fsa_ray.reporting.contents import FunnelStep
from fsa_ray.sentiment.instructions.task import TaskDefinition
from fsa_ray.stages import serving
from fsa_ray.stages.ask import RETRY_TEMPERATURE
from fsa_ray.stages.funnel import funnel
from fsa_ray.stages.instructions.supplied import SuppliedInstructions
from fsa_ray.storage.folder import Folder
from tests.ray.scripted_teacher import answer

Says = Callable[[str, str, dict[str, Any] | None, int], str]
"""From the user turn, the kind of prompt, the schema and the round."""


class Run:
    """What came of a run up to its examples."""

    def __init__(self, root: Folder, pipeline: Pipeline) -> None:
        self.root, self.pipeline = root, pipeline

    def rows(self, label: str, part: str = "kept") -> list[dict[str, Any]]:
        table = getattr(load(self.root, self.pipeline.stages[label]), part)
        return read_table(self.root, table).to_pylist()


def spec(**changes: Any) -> dict[str, Any]:
    return {
        "name": "scripted",
        "recipe": "compeffdist",
        "corpus": {"invented": 40},
        "deduplicate": {"near": False},
        "instructions": {
            "reviews": 30, "min_mentions": 2, "clustering": "agglomerative", "clusters": 3, "repetitions": 3
        },
        "records": {"count": 60, "shots": 2},
        "teacher": {"endpoint": {"url": "http://nowhere", "model": "m", "key_variable": "NONE"}, "retries": 1},
        "select": {"rate": 1.0},
        "student": {"config": {"model_type": "qwen3"}},
        **changes,
    }  # fmt: skip


def in_this_process(says: Says) -> Callable[..., run_units.Outcome]:
    """Stands in for an endpoint."""

    def said(request: dict[str, Any], kind: str, round_: int) -> Reply:
        schema = request.get("response_format", {}).get("json_schema", {}).get("schema")
        return Reply(says(request["messages"][0]["content"], kind, schema, round_), 10, 2, "stop")

    def ask(units: UnitFolder, writing: Any, *_: Any) -> run_units.Outcome:
        for unit in units.pending():
            rows = units.read(unit)
            asked = zip(writing.requests(rows), rows["kind"].to_pylist(), strict=True)
            replies = [said(request, kind, writing.round) for request, kind in asked]
            units.commit(unit, writing.answers(rows, replies), Counts(len(rows), len(rows), 1, 1))
        return run_units.Outcome(True, units.counts())

    return ask


def vectors(names: list[str], _: str) -> np.ndarray[Any, Any]:
    return np.array([[len(name), ord(name[0])] for name in names], np.float32)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Run]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(serving, "session", lambda ctx: None)
        patch.setattr(encoder, "encode", vectors)

        def run(says: Says, **changes: Any) -> Run:
            patch.setattr(endpoint, "ask_endpoint", in_this_process(says))
            root = Folder(str(tmp_path_factory.mktemp("root")))
            pipeline = Pipeline("scripted", build(spec(**changes), "test").pipeline.leading_to(["parse"]))
            Runner(root, Placement(), Silent(), lambda engines: None).run(pipeline)
            return Run(root, pipeline)

        yield run


class Silent:
    def begins(self, step: Any) -> None: ...
    def says(self, step: Any, message: str) -> None: ...
    def ends(self, step: Any, record: Any) -> None: ...


def wrong(turn: str, kind: str, schema: dict[str, Any] | None) -> str:
    """Whole, and against the answer's own rules."""
    if kind == "demonstrate":
        return json.dumps({"examples": [{"input": "A wrong case.", "output": {"no": "such"}}]})
    if kind != "respond":
        return answer(turn, kind, schema)
    if schema is None:
        return '{"something": "else"}'
    output = schema["properties"]["output"]
    return json.dumps({"output": "no label" if "enum" in output else 99 if "maximum" in output else ["not in it"]})


@pytest.fixture(scope="module")
def mended(run: Callable[..., Run]) -> Run:
    """With a teacher whose first answers break the rules."""
    return run(lambda turn, kind, schema, round_: (answer if round_ else wrong)(turn, kind, schema))


@pytest.mark.parametrize("label", ["demonstrate", "teach"])
def test_answers_against_their_own_rules_are_asked_again(mended: Run, label: str) -> None:
    answers = mended.rows(label)
    assert answers
    assert {(row["error"], row["tries"], row["temperature"]) for row in answers} == {(None, 2, RETRY_TEMPERATURE)}


def test_what_was_mended_is_taught(mended: Run) -> None:
    assert len(mended.rows("parse")) == 60 and not mended.rows("parse", "rejected")


def test_what_is_never_right_is_given_up_with_its_reason(run: Callable[..., Run]) -> None:
    done = run(lambda turn, kind, schema, _: wrong(turn, kind, schema))
    answers = {row["id"]: row for row in done.rows("teach")}
    assert {row["tries"] for row in answers.values()} == {2} and not done.rows("parse")
    refused = done.rows("parse", "rejected")
    assert {row["reason"] for row in refused} == {"labels", "scale", "span", "format"}
    for row in refused:
        assert answers[row["parent"]]["error"] == f"{row['reason']}: {row['detail']}"
    assert {row["error"] for row in done.rows("demonstrate")} == {"none"}
    assert "none" in {row["reason"] for row in done.rows("generated", "rejected")}


def test_every_demonstration_in_a_prompt_leads_back_to_what_the_teacher_said_and_was_shown(mended: Run) -> None:
    said = {row["id"]: row for label in ("standardise", "demonstrate") for row in mended.rows(label)}
    reviews = {row["id"] for row in mended.rows("deduplicate")}
    shown: dict[str, str] = {}
    for row in mended.rows("instructions"):
        if row["kind"] == "analysis":
            assert row["demonstrations"] is None
            continue
        examples = TaskDefinition.model_validate_json(row["definition"]).examples
        for example, origin in zip(examples, row["demonstrations"], strict=True):
            shown[origin["id"]] = example.input
            response = said[origin["parent"]]
            assert example.input in response["text"]
            assert len(origin["references"]) == (2 if response["kind"] == "demonstrate" else 0)
            assert reviews.issuperset(origin["references"])
    assert any(row["kind"] == "demonstrate" for row in said.values())
    records = mended.rows("records")
    for record in records:
        assert len(record["demonstrations"]) == (0 if record["kind"] == "analysis" else 2)
        assert all(f"Input: {shown[one]}\n" in record["prompt"] for one in record["demonstrations"])


def test_every_instruction_leads_back_to_its_response(mended: Run) -> None:
    said = {row["id"]: row for label in ("analyse", "standardise") for row in mended.rows(label)}
    clusters = {row["id"]: row["name"] for row in mended.rows("clusters")}
    for row in mended.rows("instructions"):
        response = said[row["parent"]]
        assert response["kind"] == ("analyse" if row["kind"] == "analysis" else "standardise")
        if row["kind"] == "analysis":
            assert clusters[response["parent"]] == row["cluster"]


def steps(done: Run) -> dict[str, FunnelStep]:
    records = {label: read_record(done.root, stage) for label, stage in done.pipeline.stages.items()}
    known = {label: record for label, record in records.items() if record is not None}
    assert len(known) == len(records)
    return {step.label: step for step in funnel(done.root, done.pipeline.stages, known)}


def test_the_report_tells_what_came_in_and_out_of_every_step(mended: Run) -> None:
    found = steps(mended)
    for step in found.values():
        assert step.rows_in > 0, step.label
    assert found["clusters"].rows_in == found["attributes"].kept == 7
    assert found["generated"].rows_in == found["analyse"].kept + found["demonstrate"].kept
    assert found["generated"].dropped == found["demonstrate"].kept, "a wrong one in each answer"
    told = {label: step.told for label, step in found.items()}
    answers = found["demonstrate"].kept
    assert told["generated"] == f"{answers} demonstrations added from {answers} answers"
    assert told["instructions"].startswith(f"9 analysis instructions and {found['definitions'].kept} tasks with ")
    assert told["records"].startswith("3 clusters with 20 records; ")
    assert told["clusters"].startswith("2 to 3 attributes in a cluster, median 2; silhouette 0.")
    assert "most mentioned: " in told["clusters"]


def test_answers_that_are_given_up_are_told(run: Callable[..., Run]) -> None:
    done = run(lambda turn, kind, schema, round_: "bananas" if kind == "analyse" else answer(turn, kind, schema))
    assert steps(done)["analyse"].told == "3 without a usable answer"
    assert steps(done)["generated"].rejected["unreadable"] == 3


@pytest.mark.parametrize(
    ("strong", "told"),
    [
        ((), "enumerate 30 (30 failed), attributes 0 (30 unreadable)."),
        (
            ("enumerate",),
            "enumerate 30, attributes 7, clusters 3, analyse 3 (3 failed), propose 3 (3 failed), "
            "proposals 0 (3 unreadable), standardise 0, definitions 0, demonstrate 0, generated 0 (3 unreadable), "
            "instructions 0.",
        ),
    ],
)
def test_a_teacher_too_weak_to_write_instructions_is_told_step_by_step(
    strong: tuple[str, ...], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def says(turn: str, kind: str, schema: dict[str, Any] | None, _: int) -> str:
        return answer(turn, kind, schema) if kind in strong else "bananas"

    monkeypatch.setattr(serving, "session", lambda ctx: None)
    monkeypatch.setattr(encoder, "encode", vectors)
    monkeypatch.setattr(endpoint, "ask_endpoint", in_this_process(says))
    (tmp_path / "spec.yaml").write_text(yaml.safe_dump(spec()))
    root = str(tmp_path / "root")
    done = CliRunner().invoke(app, ["run", str(tmp_path / "spec.yaml"), "--root", root])
    assert done.exit_code == 2, done.output
    shown = CliRunner().invoke(app, ["show", "scripted", "--root", root, "--json"])
    failed = [stage for stage in json.loads(shown.stdout)["stages"] if stage["state"] == "failed"]
    for said in (done.stderr, *(stage["what"] for stage in failed)):
        assert told in said
        assert "`instructions: {generate: false, file: starter}`" in said
    assert len(failed) == 1


def test_those_of_a_file_have_no_response(workshop: Any) -> None:
    rows = workshop.kept(SuppliedInstructions.at(None))
    assert {row["parent"] for row in rows} == {None}
    ids = [one["id"] for row in rows for one in row["demonstrations"] or ()]
    assert len(ids) == len(set(ids)) > 400

"""`evaluate` and `compare` with a scripted model: names, what is kept, and what is refused before anything is asked."""

import json
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest
from click.testing import Result
from typer.testing import CliRunner

from fsa_ray.cli import app
from fsa_ray.core import sweep
from fsa_ray.core.artifact import Rows
from fsa_ray.core.stage import StageContext
from fsa_ray.core.tables import read_table
from fsa_ray.evaluation.tasks import load_task
from fsa_ray.schemas.rows import ANNOTATION, ANSWER
from fsa_ray.stages import answer as answer_stage
from fsa_ray.stages import questions as questions_stage
from fsa_ray.stages.annotate import Annotate
from fsa_ray.stages.answer import Answer
from fsa_ray.stages.rows import commit

WORDS = ("great", "dull")
ASKED = ("--suite", "sentibench", "--data", "bench", "--shots", "0")
ANSWER_RUN = Answer.run
LETTERS = SimpleNamespace(text_ids=list, prompt_ids=list)


def answer(stage: Answer, ctx: StageContext) -> Rows:
    """Every text with an even number is read rightly, and the others under seed 2 only."""
    rows = []
    for row in read_table(ctx.root, ctx.load(stage.questions).kept).to_pylist():
        right = int(row["text"].split()[-1]) % 2 == 0 or row["seed"] == 2
        great = ("great" in row["text"]) == right
        logprobs = [-1.0, -0.5] if great else [-0.5, -1.0]
        rows.append({"id": row["id"], "text": None, "label_logprobs": logprobs if row["labels"] else None})
    return commit(ctx, pa.Table.from_pylist(rows, ANSWER), [])


def annotation(stage: Annotate, ctx: StageContext) -> Rows:
    rows = read_table(ctx.root, ctx.load(stage.reviews).kept, ["id", "text"]).to_pylist()
    return commit(ctx, pa.Table.from_pylist([{**row, "polarity": "positive"} for row in rows], ANNOTATION), [])


def records(golds: Sequence[str] = ("positive", "negative"), split: str = "test") -> list[dict[str, Any]]:
    return [{"sentence": f"{split} {word} {n}", "label": gold}
            for n in range(10) for word, gold in zip(WORDS, golds, strict=True)]  # fmt: skip


def write(name: str, split: str, rows: list[dict[str, Any]], root: str = "bench") -> None:
    for path in load_task(name).paths(root, split):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(rows))


@pytest.fixture
def invoke(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Runs a command where two models lie and SentiBench's sst2 and yelp2; nothing here reads weights."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Answer, "run", answer)
    monkeypatch.setattr(questions_stage, "chat_format", lambda path, trusted: LETTERS)
    monkeypatch.setattr(questions_stage, "is_encoder_decoder", lambda path, trusted: False)
    for model in ("one/student", "two/student"):
        Path(model).mkdir(parents=True)
        Path(model, "config.json").write_text(json.dumps({"max_position_embeddings": 1024, "model": model}))
        Path(model, "model.safetensors").write_bytes(b"")
    write("sst2", "test", records())
    write("yelp2", "test", records()[:12])
    return lambda *arguments: CliRunner().invoke(app, ["evaluate", *map(str, arguments)])


def document(done: Result) -> dict[str, Any]:
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def compare(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["compare", *arguments])


def test_an_evaluation_says_how_it_was_asked(invoke: Callable[..., Result]) -> None:
    done = document(invoke("one/student", *ASKED, "--chat", "--limit", 10, "--seeds", "1,2", "--json"))
    assert done["asked"] == {
        "protocol": "strict", "shots": 0, "seeds": [1, 2], "limit": 10, "answering": "likelihood", "calibrate": False,
        "structured": False, "chat": True, "prefix": "", "max_length": 1024, "precision": "bf16",
    }  # fmt: skip
    page = Path("runs/evaluations", f"{done['name']}.html").read_text()
    table = invoke("one/student", *ASKED, "--chat", "--limit", 10, "--seeds", "1,2").output
    for shown in ("at most 10", "in the chat template", "1024", "over 2 of 12 tasks", "opener"):
        assert shown in page
        assert shown in " ".join(table.split())


def test_default_names_tell_models_and_pilots_apart(invoke: Callable[..., Result]) -> None:
    names = [
        document(invoke(*arguments, *ASKED, "--json"))["name"]
        for arguments in (("one/student",), ("two/student",), ("two/student", "--limit", 5))
    ]
    assert names == [
        "one-student-sentibench-strict", "two-student-sentibench-strict", "two-student-sentibench-strict-pilot",
    ]  # fmt: skip


def test_a_name_means_one_evaluation(invoke: Callable[..., Result]) -> None:
    first = document(invoke("one/student", *ASKED, "--name", "mine", "--json"))
    assert document(invoke("one/student", *ASKED, "--name", "mine", "--json")) == first
    for change, said in (
        (("one/student", *ASKED, "--chat"), "prompt plain text, not in the chat template"),
        (("one/student", *ASKED, "--limit", "7"), "items all, not at most 7 of a task"),
        (("two/student", *ASKED), "model one/student, not two/student"),
        (("one/student", *ASKED, "--task", "sst2"), "tasks yelp2, sst2, not sst2"),
    ):
        other = invoke(*change, "--name", "mine")
        assert other.exit_code == 2 and said in other.stderr and "--name" in other.stderr
    write("sst2", "test", records()[:-1])
    changed = invoke("one/student", *ASKED, "--name", "mine")
    assert changed.exit_code == 2 and "data" in changed.stderr
    assert document(invoke("one/student", *ASKED, "--name", "other", "--json"))["name"] == "other"
    assert json.loads(Path("runs/evaluations/mine.json").read_text()) == first


def test_the_mean_comes_with_its_interval_and_its_deviation_over_seeds(invoke: Callable[..., Result]) -> None:
    done = document(invoke("one/student", *ASKED, "--seeds", "1,2", "--json"))
    scores = done["scores"].values()
    assert done["mean"] == pytest.approx(sum(score["score"] for score in scores) / 2)
    assert done["mean_low"] < done["mean"] < done["mean_high"]
    assert min(score["low"] for score in scores) < done["mean_low"]  # two tasks are surer than one
    by_seed = [sum(score["seeds"][seed] for score in scores) / 2 for seed in ("1", "2")]
    assert done["mean_std"] == pytest.approx(abs(by_seed[0] - by_seed[1]) / 2**0.5)
    alone = document(invoke("one/student", *ASKED, "--task", "sst2", "--seeds", "1", "--name", "one", "--json"))
    only = alone["scores"]["sst2"]
    assert (alone["mean"], alone["mean_low"], alone["mean_high"]) == (only["score"], only["low"], only["high"])
    assert alone["mean_std"] is None


def test_without_demonstrations_nothing_is_asked_twice(invoke: Callable[..., Result]) -> None:
    assert document(invoke("one/student", *ASKED, "--json"))["asked"]["seeds"] == [42]


def test_what_is_amiss_with_the_data_is_said(invoke: Callable[..., Result]) -> None:
    write("sst2", "train", records(split="train") + records()[:3])
    done = invoke("one/student", *ASKED, "--task", "sst2", "--json")
    (found,) = document(done)["data"]
    assert found["leaks"] == {"train/test": 3}
    assert found["splits"]["test"] == {
        "items": 20, "labels": {"positive": 10, "negative": 10}, "entries": 0, "empty": 0, "repeated": 0,
    }  # fmt: skip
    page = Path("runs/evaluations/one-student-sentibench-strict.html").read_text()
    for said in ("3 texts of test are in train", "test: 20 items instead of 1821"):
        assert said in " ".join(done.stderr.split()) and said in page
    assert "positive 10, negative 10" in page


def test_an_evaluation_can_be_compared_after_what_led_to_it_was_swept(
    invoke: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "SILENCE", timedelta(0))
    for name in ("one", "two"):
        document(invoke(f"{name}/student", *ASKED, "--name", name, "--json"))
    assert CliRunner().invoke(app, ["gc", "--delete"]).exit_code == 0
    assert not list(Path("runs/questions").glob("*/record.json"))
    assert document(compare("one", "two", "--json"))["tasks"][0]["difference"] == 0


def test_two_evaluations_differ_in_the_mean_too(invoke: Callable[..., Result]) -> None:
    for name, seed in (("worse", 1), ("better", 2)):
        document(invoke("one/student", *ASKED, "--seeds", seed, "--name", name, "--json"))
    found = document(compare("better", "worse", "--json"))
    mean = found["mean"]
    assert mean["first"] == 100 and mean["difference"] == pytest.approx(100 - mean["second"])
    assert mean["difference"] == pytest.approx(sum(one["difference"] for one in found["tasks"]) / 2)
    assert 0 < mean["low"] < mean["difference"] < mean["high"]
    assert min(one["low"] for one in found["tasks"]) < mean["low"]
    assert f"{mean['low']:+.2f} to {mean['high']:+.2f}" in compare("better", "worse").output
    document(invoke("one/student", *ASKED, "--task", "sst2", "--name", "half", "--json"))
    assert document(compare("better", "half", "--json"))["mean"] is None


@pytest.mark.parametrize("change", ["gold", "text"])
def test_other_items_under_the_same_ids_are_not_compared(invoke: Callable[..., Result], change: str) -> None:
    document(invoke("one/student", *ASKED, "--name", "before", "--json"))
    other = records(("negative", "positive")) if change == "gold" else records(split="other")
    write("sst2", "test", other)
    document(invoke("one/student", *ASKED, "--name", "after", "--json"))
    done = compare("before", "after")
    assert done.exit_code == 2 and "sst2: item 0" in done.stderr and "same data" in done.stderr


def test_other_versions_of_a_task_are_not_compared(invoke: Callable[..., Result]) -> None:
    for name in ("before", "after"):
        document(invoke("one/student", *ASKED, "--name", name, "--json"))
    kept = Path("runs/evaluations/before.json")
    old = json.loads(kept.read_text())
    old["scores"]["sst2"]["version"] -= 1
    kept.write_text(json.dumps(old))
    done = compare("before", "after")
    assert done.exit_code == 2 and "version" in done.stderr


def test_a_document_of_another_version_is_named(invoke: Callable[..., Result]) -> None:
    Path("runs/evaluations").mkdir(parents=True)
    Path("runs/evaluations/old.json").write_text('{"name": "old", "protocol": "v1"}')
    done = compare("old", "old")
    assert done.exit_code == 2 and "old.json was written by another version" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("one/student", "--task", "sst2", "--shots", "2"), "--shots would change nothing here"),
        (("one/student", "--task", "sst2", "--seeds", "1"), "--seeds"),
        (("one/student", "--task", "sst2", "--generate"), "--generate"),
        (("one/student", "--task", "sst2", "--chat"), "add --suite"),
        (("one/student", "--task", "sst2", "--name", "x"), "--name"),
        (("one/student", "--task", "sst2", "--precision", "bf16"), "--precision"),
        (("one/student", "--task", "sst2", "--max-length", "99"), "--max-length"),
        (("one/student", "--task", "sst2", "--missing-as-wrong"), "--missing-as-wrong"),
        (("--predictions", "some.jsonl", "--task", "sst2", "--limit", "2"), "--limit"),
        (("--predictions", "some.jsonl", "--suite", "sentibench"), "--suite"),
        (("--predictions", "some.jsonl", "--task", "sst2", "--root", "elsewhere"), "--root"),
        (("--predictions", "some.jsonl", "--task", "sst2", "--placement", "p.yaml"), "--placement"),
        (("one/student", "--suite", "sentibench", "--missing-as-wrong"), "--missing-as-wrong"),
        (("one/student", "--suite", "sentibench", "--shots", "0", "--calibrate", "--generate"), "--calibrate"),
        (("one/student", "--suite", "sentibench", "--shots", "0", "--structured"), "--structured"),
        (("one/student", "--suite", "sentibench", "--shots", "0", "--structured", "--protocol", "v1"), "v1"),
        (("one/student", "--suite", "sentibench", "--shots", "0", "--prefix", "x"), "--interpret"),
        (("one/student", "--suite", "sentibench", "--generate", "--interpret"), "not both"),
        (("one/student", "--suite", "sentibench", "--precision", "fp8"), "precision"),
        (("one/student", "--suite", "sentibench", "--seeds", "1,b"), "seeds"),
        (("one/student", "--task", "irony18"), "--suite"),
        (("one/student", "--task", "sst2", "--protocol", "p1"), "sst2 is scored under v1, v2, strict"),
    ],
)
def test_options_that_would_change_nothing_are_refused(
    invoke: Callable[..., Result], arguments: tuple[str, ...], said: str
) -> None:
    done = invoke(*arguments, "--data", "bench")
    assert done.exit_code == 2 and said in done.stderr, done.output


def test_a_model_in_its_own_format_is_scored_under_the_protocol_that_is_asked(
    invoke: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Annotate, "run", annotation)
    scores = [
        document(invoke("one/student", "--task", "sst2", "--data", "bench", *asked, "--json"))
        for asked in ((), ("--protocol", "v2"))
    ]
    assert [score["protocol"] for score in scores] == ["strict", "v2"]


def test_structured_answers_are_not_asked_of_encoder_decoders(
    invoke: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Answer, "run", ANSWER_RUN)
    monkeypatch.setattr(answer_stage, "is_encoder_decoder", lambda path, trusted: True)
    write("opener", "test", [{"sent_id": "1", "sentence": "a dull film", "text": "a dull film", "opinions": []}])
    done = invoke("one/student", *ASKED, "--structured")
    assert done.exit_code == 2 and "leave out --structured" in done.stderr, done.output


def test_a_file_on_the_fsa_benchmark_is_told_with_its_views(invoke: Callable[..., Result]) -> None:
    aspect = {"from": "4", "to": "8", "target": "soup", "category": "FOOD#QUALITY", "polarity": "positive"}
    write("fsa_atsa_rest14", "test", [{"ID": "a", "sentence": "The soup.", "aspects": [aspect]}])
    Path("answers.jsonl").write_text("".join(json.dumps({"id": str(n), "prediction": []}) + "\n" for n in range(2)))
    arguments = ("--predictions", "answers.jsonl", "--task", "fsa_atsa_rest14", "--data", "bench")
    found = document(invoke(*arguments, "--json"))["scores"]
    assert [(one["task"], one["protocol"]) for one in found] == [
        ("fsa_atsa_rest14", "p1"), ("fsa_atsa_rest14/normal", "p1"),
    ]  # fmt: skip
    assert "rest14/normal" in invoke(*arguments).output

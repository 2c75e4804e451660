"""How predict and evaluate ask a model, and that every row comes out, also where no engine need start."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from click.testing import Result
from typer.testing import CliRunner

from fsa_ray.cli import app
from fsa_ray.cli.annotation import annotation_of
from fsa_ray.stages.invent import Invent
from fsa_ray.storage.folder import Folder

Invoke = Callable[..., Result]
REVIEWS = Invent(count=1, split="test", seed=1)


@pytest.fixture
def invoke(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Invoke:
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(app, [str(argument) for argument in arguments])


def model(folder: Path, **config: object) -> Path:
    """A directory that looks like a model's."""
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "model.safetensors").write_bytes(b"")
    return folder


@pytest.mark.parametrize(
    ("config", "tokens"),
    [
        ({"max_position_embeddings": 192}, 192),
        ({"max_position_embeddings": 131_072}, 2048),
        ({"n_positions": 1024}, 1024),
        ({"n_positions": 512, "is_encoder_decoder": True}, 2048),
        ({}, 2048),
    ],
)
def test_a_model_of_a_directory_is_asked_for_no_more_than_it_was_made_for(
    tmp_path: Path, config: dict[str, object], tokens: int
) -> None:
    found = annotation_of(Folder(str(tmp_path / "runs")), str(model(tmp_path / "model", **config)), REVIEWS)
    assert found.max_length == tokens


def test_a_run_s_teacher_is_asked_as_the_run_asks_it(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "reviews.jsonl").write_text('{"text": "The soup was cold but the waiter was kind."}\n')
    document = {
        "name": "mine",
        "corpus": {"path": "reviews.jsonl"},
        "teacher": {"model": str(model(tmp_path / "large")), "max_tokens": 333, "max_length": 777},
        "student": {"model": str(model(tmp_path / "small", hidden_size=8)), "sequence_length": 222},
        "evaluate": {"max_tokens": 111},
    }
    (tmp_path / "spec.yaml").write_text(yaml.safe_dump(document))
    assert invoke("run", "spec.yaml", "--until", "ingest").exit_code == 0
    teacher, student = (annotation_of(Folder("runs"), name, REVIEWS) for name in ("mine/teacher", "mine"))
    assert (teacher.style, teacher.max_tokens, teacher.max_length) == ("json", 333, 777)
    assert (student.style, student.max_tokens, student.max_length) == ("compact", 111, 222)


def test_rows_that_cannot_be_read_come_out_without_an_engine(invoke: Invoke, tmp_path: Path) -> None:
    small = model(tmp_path / "model")
    (tmp_path / "in.jsonl").write_text('{broken\n\n{"id": "b", "text": "   "}\n{"id": "c", "text": 5}\n')
    done = invoke("predict", small, "in.jsonl", "out.jsonl")
    assert done.exit_code == 0, done.stderr
    out = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert {row["id"]: row["error"].partition(":")[0] for row in out} == {
        "in.jsonl:1": "broken",
        "b": "empty",
        "in.jsonl:4": "type",
    }
    assert all(row["polarity"] is None and row["opinions"] == [] for row in out)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("in.jsonl", "", "every file is empty"),
        ("in.csv", "id,text\n", "every file is empty"),
        ("in.jsonl", '{broken\n{"review": "good"}\n', "--text-column"),
        ("in.csv", "id,review\n1,good\n", "--text-column"),
    ],
)
def test_an_input_without_rows_or_without_the_column_is_a_mistake(
    invoke: Invoke, tmp_path: Path, name: str, text: str, said: str
) -> None:
    (tmp_path / name).write_text(text)
    done = invoke("predict", model(tmp_path / "model"), name, "out.jsonl")
    assert done.exit_code == 2 and said in done.stderr
    assert not (tmp_path / "out.jsonl").exists()

"""The bridge to lm-evaluation-harness: out as its tasks, back in as its logged samples."""

import json
from pathlib import Path

import pytest
import yaml

from fsa_ray.evaluation.harness import export_task
from fsa_ray.evaluation.item import Item
from fsa_ray.evaluation.predictions import read_predictions
from fsa_ray.evaluation.scorecard import score
from fsa_ray.evaluation.tasks import TASKS

FILMS = [Item(str(n), n, f"film {n}", ("negative", "positive")[n % 2]) for n in range(6)]
ENTRY = {"aspect_term": "soup", "aspect_term_offsets": [[4, 8]], "sentiment": "negative"}
MEALS = [Item(f"m{n}", n, "the soup was cold", [ENTRY]) for n in range(3)]


def sample(document: dict[str, object], said: list[object]) -> str:
    return json.dumps({"doc_id": 0, "doc": document, "filtered_resps": said, "target": 0}) + "\n"


def test_labels_come_back_by_their_log_likelihoods(tmp_path: Path) -> None:
    task = TASKS["sst2"]
    path = export_task(task, FILMS, FILMS, "v2", 2, 42, tmp_path)
    told = yaml.safe_load(path.read_text())
    assert told["output_type"] == "multiple_choice"
    documents = [
        json.loads(line) for line in Path(told["dataset_kwargs"]["data_files"]["test"]).read_text().splitlines()
    ]
    assert [document["prompt"].count("Sentence:") for document in documents] == [3] * 6
    assert documents[1]["choices"][documents[1]["target"]] == " positive"
    samples = tmp_path / "samples.jsonl"
    likely = {"negative": [["-0.1", "True"], ["-3.0", "False"]], "positive": [["-2.0", "False"], ["-1.0", "True"]]}
    samples.write_text("".join(sample(one, likely[str(item.gold)]) for one, item in zip(documents, FILMS, strict=True)))
    assert score(task, FILMS, read_predictions(samples, task, FILMS)).score == 100


def test_free_answers_come_back_parsed(tmp_path: Path) -> None:
    task = TASKS["atsa_rest16"]
    told = yaml.safe_load(export_task(task, MEALS, MEALS, "v2", 0, 42, tmp_path).read_text())
    assert told["output_type"] == "generate_until"
    documents = [
        json.loads(line) for line in Path(told["dataset_kwargs"]["data_files"]["test"]).read_text().splitlines()
    ]
    answer = ' [{"aspect_term": "soup", "sentiment": "negative"}]'
    samples = tmp_path / "samples.jsonl"
    samples.write_text("".join(sample(document, [answer]) for document in documents))
    assert score(task, MEALS, read_predictions(samples, task, MEALS), "v2").score == 100


@pytest.mark.parametrize(
    ("document", "said"),
    [({"text": "no task of ours"}, ["positive"]), ({"id": "1", "choices": ["a"]}, [[]]), ({"id": "1"}, [["a"]])],
)
def test_a_foreign_sample_is_refused(tmp_path: Path, document: dict[str, object], said: list[object]) -> None:
    samples = tmp_path / "samples.jsonl"
    samples.write_text(sample(document, said))
    with pytest.raises(ValueError, match="not one of a task that fsa-ray exported"):
        read_predictions(samples, TASKS["sst2"], FILMS)

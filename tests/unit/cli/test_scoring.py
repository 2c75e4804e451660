"""Files of predictions, scored without a word on how."""

import json
from pathlib import Path
from typing import Any

import pytest

from fsa_ray.cli.scoring import score_file
from fsa_ray.evaluation.harness import export_task
from fsa_ray.evaluation.tasks import load_task

MIXED = [
    {"from": "4", "to": "8", "target": "soup", "category": "FOOD#QUALITY", "polarity": "positive"},
    {"from": "15", "to": "23", "target": "waitress", "category": "SERVICE#GENERAL", "polarity": "negative"},
]
RECORDS = [
    {"ID": "a", "sentence": "The soup, not, waitress.", "aspects": MIXED},
    {"ID": "b", "sentence": "Yes, soup.", "aspects": [MIXED[0] | {"from": "5", "to": "9", "opinion_words": []}]},
]
SOUP = {"aspect_term": "soup", "sentiment": "positive"}


def benchmark(root: Path, name: str) -> Path:
    for path in load_task(name).paths(root, "test"):
        path.parent.mkdir(parents=True, exist_ok=True)
        own = [record | {"ID": f"{path.stem}{record['ID']}"} for record in RECORDS]
        path.write_text(json.dumps(own))
    return root


def written(root: Path, rows: list[dict[str, Any]]) -> Path:
    path = root / "answers.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_a_file_on_the_fsa_benchmark_gets_its_protocol_and_its_views(tmp_path: Path) -> None:
    data = benchmark(tmp_path, "fsa_atsa_rest14")
    rows = [{"id": str(n), "prediction": [SOUP]} for n in range(4)]
    found = score_file(written(tmp_path, rows), "fsa_atsa_rest14", data)
    assert [(one.task.partition("/")[2], one.n, one.protocol) for one in found] == [
        ("", 4, "p1"),
        ("normal", 4, "p1"),
        ("implicit", 2, "p1"),
        ("mams", 2, "p1"),
    ]
    assert [round(one.recall or 0) for one in found] == [67, 67, 100, 50]
    assert {one.protocol for one in score_file(tmp_path / "answers.jsonl", "fsa_atsa_rest14", data, "strict")} == {
        "strict"
    }


def test_other_files_are_scored_strictly_and_logged_samples_as_they_were_asked(tmp_path: Path) -> None:
    data = benchmark(tmp_path, "atsa_rest16")
    task = load_task("atsa_rest16")
    items = task.load(data)
    answers = written(tmp_path, [{"id": item.id, "prediction": [SOUP, SOUP]} for item in items])
    assert [(one.protocol, one.precision) for one in score_file(answers, "atsa_rest16", data)] == [("strict", 100)]
    export_task(task, items, [], "v1", 0, 42, tmp_path / "v1")
    documents = [json.loads(line) for line in (tmp_path / "v1" / "fsa_ray_atsa_rest16.jsonl").read_text().splitlines()]
    samples = [{"doc_id": 0, "doc": one, "filtered_resps": ["[('soup', 'positive')]"]} for one in documents]
    assert [one.protocol for one in score_file(written(tmp_path, samples), "atsa_rest16", data)] == ["v1"]
    assert [one.protocol for one in score_file(written(tmp_path, samples), "atsa_rest16", data, "v2")] == ["v2"]
    samples[0]["doc"] = documents[0] | {"protocol": "v2"}
    with pytest.raises(ValueError, match=r"answers\.jsonl: samples asked under v1 and v2; say under which protocol"):
        score_file(written(tmp_path, samples), "atsa_rest16", data)

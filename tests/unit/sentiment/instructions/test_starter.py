import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from fsa_ray.sentiment.instructions.merging import merge_near_duplicates
from fsa_ray.sentiment.instructions.starter import STARTER, load_instructions
from fsa_ray.sentiment.instructions.validation import Proposal, normal, read_analysis, read_definition

ENTRIES: list[dict[str, Any]] = json.loads(STARTER.read_text("utf-8"))
TASKS = [task for entry in ENTRIES for task in entry["tasks"]]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry["cluster"])
def test_each_cluster_has_varied_analyses_and_tasks_of_different_kinds(entry: dict[str, Any]) -> None:
    reading = read_analysis(json.dumps(entry["analysis"]))
    assert len(reading.values) >= 3 and not reading.dropped
    asked = sum(
        text.split()[0] in ("What", "Which", "How", "Where", "Who", "Whom", "At", "Is") for text in reading.values
    )
    assert 0 < asked < len(reading.values)
    assert len({task["kind"] for task in entry["tasks"]}) >= 2


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task["name"])
def test_each_task_would_be_taken_from_a_teacher(task: dict[str, Any]) -> None:
    reading = read_definition(json.dumps(task), Proposal(task["name"], task["kind"], task["description"]))
    assert reading.reason is None and not reading.dropped
    (made,) = reading.values
    assert len(made.examples) == len(task["examples"]) >= 4
    outputs = {shown.output for shown in made.examples}
    assert len(outputs) >= 3 or outputs == set(made.labels or ())
    assert outputs >= set(made.labels or ()), "every label is shown"
    if made.kind in ("extraction", "structured") and (made.many or made.kind == "extraction"):
        assert "[]" in outputs, "a text with nothing is shown"


def test_no_task_and_no_text_occurs_twice() -> None:
    tasks = [task for cluster in load_instructions() for task in cluster.tasks]
    assert len(tasks) >= 60 and sum(len(task.examples) for task in tasks) >= 240
    assert merge_near_duplicates(tasks).into == {}
    said = Counter(normal(text) for entry in ENTRIES for text in entry["analysis"])
    said.update(normal(shown.input) for task in tasks for shown in task.examples)
    assert max(said.values()) == 1


def test_the_heads_of_the_largest_clusters_are_covered() -> None:
    root = os.environ.get("FSA_RAY_DATA")
    if not root:
        pytest.skip("FSA_RAY_DATA does not name a data directory")
    clusters = json.loads((Path(root) / "fixtures" / "attribute_clusters.json").read_text("utf-8-sig"))
    largest = sorted(clusters, key=lambda cluster: -cluster["total_count"])[:30]
    heads = [cluster["attr_names"][0].split("|")[0] for cluster in largest]
    assert [entry["cluster"] for entry in ENTRIES] == heads


def write(path: Path, entries: Any) -> Path:
    path.write_text(entries if isinstance(entries, str) else json.dumps(entries), encoding="utf-8")
    return path


def test_a_file_of_ones_own_is_read_in_its_order(tmp_path: Path) -> None:
    path = write(tmp_path / "own.json", [{"cluster": "b", "analysis": ["Describe it."]}, ENTRIES[0]])
    first, second = load_instructions(path)
    assert (first.cluster, first.analysis, first.tasks) == ("b", ("Describe it.",), ())
    assert second == load_instructions()[0]


TASK = {"name": "n", "kind": "closed_classification", "description": "d", "labels": ["a", "b"]}


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ("{", "cannot be read as JSON"),
        ({"cluster": "x"}, "no list"),
        ([], "no list"),
        (["x"], "entry 1: "),
        ([{"cluster": "x"}], r"entry 1 \('x'\): .*neither"),
        ([{"cluster": "x", "analysis": [" "]}], "is empty"),
        ([{"analysis": ["Describe."]}], "entry 1: cluster: "),
        ([ENTRIES[0], ENTRIES[1], ENTRIES[0]], "entries 1 and 3 are both about 'tone'"),
        ([{"cluster": "x", "tasks": [TASK]}], r"entry 1 \('x'\): tasks.0.examples"),
        ([{"cluster": "x", "tasks": [TASK | {"examples": []}]}], "no examples"),
        ([{"cluster": "x", "tasks": [TASK | {"examples": [{"input": "i", "output": "c"}]}]}], "c.* is none of a, b"),
        ([{"cluster": "x", "tasks": [TASK | {"lables": []}]}], "tasks.0.lables"),
        ([{"cluster": "x", "tasks": [{}, {}]}], "and 5 more"),
        ([ENTRIES[0], {"cluster": "y", "tasks": [TASK | {"kind": "poem"}]}], r"entry 2 \('y'\): tasks.0.kind"),
    ],
)
def test_a_wrong_file_is_named_with_its_entry(entries: Any, message: str, tmp_path: Path) -> None:
    path = write(tmp_path / "wrong.json", entries)
    with pytest.raises(ValueError, match=message) as raised:
        load_instructions(path)
    assert str(path) in str(raised.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="nowhere"):
        load_instructions(tmp_path / "nowhere.json")

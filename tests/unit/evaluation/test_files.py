"""Reading data and predictions, and the mistakes that users make with them."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fsa_ray.evaluation.predictions import read_predictions
from fsa_ray.evaluation.task import Task
from fsa_ray.evaluation.tasks import load_task

SST2, ATSA = load_task("sst2"), load_task("atsa_rest16")
ROWS = [{"sentence": "fine film", "label": "Positive"}, {"sentence": "bad film", "label": "negative"}]


def write(root: Path, folder: str, text: str, split: str = "test") -> Path:
    path = root / folder / f"{split}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_a_byte_order_mark_is_accepted_and_positions_are_ids(tmp_path: Path) -> None:
    write(tmp_path, "sc/sst2", "\ufeff" + json.dumps(ROWS))
    items = SST2.load(tmp_path, "test")
    assert [(item.id, item.gold) for item in items] == [("0", "positive"), ("1", "negative")]


def test_an_id_that_occurs_twice_is_numbered(tmp_path: Path) -> None:
    record = {"sentence": "Fine.", "aspects": []}
    ids = ["a", "a", "a#2", "a"]
    write(tmp_path, ATSA.folder, json.dumps([record | {"ID": one} for one in ids]))
    assert [item.id for item in ATSA.load(tmp_path)] == ["a", "a#2", "a#2#2", "a#3"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (json.dumps(ROWS)[:-5], r"test\.json: broken or truncated JSON"),
        ("[]", r"test\.json: expected a JSON list"),
        ('[{"label": "positive"}]', r"test\.json: item 0: .*`sentence`"),
        (
            json.dumps([*ROWS, {"sentence": "so", "label": "meh"}]),
            r"json: item 2 \(id 2\): label 'meh' is none of",
        ),
        (json.dumps([{"sentence": "so"}]), r"item 0 .*no field 'label'"),
        ("[" * 100_000, r"broken or truncated JSON"),
    ],
)
def test_bad_data_is_named(tmp_path: Path, text: str, message: str) -> None:
    write(tmp_path, "sc/sst2", text)
    with pytest.raises(ValueError, match=message):
        SST2.load(tmp_path)


def test_bad_gold_opinions_are_named(tmp_path: Path) -> None:
    aspect = {"from": "0", "to": "4", "target": "Soup", "polarity": "odd"}
    write(tmp_path, ATSA.folder, json.dumps([{"ID": "x:1", "sentence": "Soup.", "aspects": [aspect]}]))
    with pytest.raises(ValueError, match=r"item 0 \(id x:1\): polarity 'odd'"):
        ATSA.load(tmp_path)


ACSA, ASQP, OPENER = (load_task(name) for name in ("acsa_rest16", "asqp_rest16", "opener"))
ASPECT = {"from": "0", "to": "4", "target": "Soup", "category": "FOOD#QUALITY", "polarity": "positive"}
QUAD = {"aspect": "Soup", "category": "food qualty", "opinion": "Soup", "sentiment": "positive"}
OPINION = {
    "Source": [[], []],
    "Target": [["Soup"], ["0:4"]],
    "Polar_expression": [["Soup"], ["0:99"]],
    "Polarity": "Positive",
}


@pytest.mark.parametrize(
    ("task", "gold", "message"),
    [
        (ACSA, {"aspects": [ASPECT | {"category": "FOOD#QUALTY"}]}, "category 'food qualty' is none of .*food quality"),
        (ASQP, {"quards": [QUAD]}, "category 'food qualty' is none of"),
        (ATSA, {"aspects": [ASPECT | {"target": "dragon", "from": "90", "to": "99"}]}, "'dragon' is not at 90:99 of"),
        (ATSA, {"aspects": [ASPECT | {"to": "99"}]}, "'Soup' is not at 0:99 of"),
        (OPENER, {"opinions": [OPINION]}, r"Polar_expression \['Soup'\] is not at \['0:99'\]"),
    ],
)
def test_gold_that_cannot_be_right_is_named(tmp_path: Path, task: Task, gold: dict[str, Any], message: str) -> None:
    write(tmp_path, task.folder, json.dumps([{"ID": "x:1", "sent_id": "x:1", "sentence": "Soup"} | gold]))
    with pytest.raises(ValueError, match=rf"test\.json: item 0 \(id .*\): .*{message}"):
        task.load(tmp_path)


def test_missing_splits(tmp_path: Path) -> None:
    write(tmp_path, "sc/sst2", json.dumps(ROWS), split="train")
    with pytest.raises(ValueError, match=r"test\.json: no such file \(its folder holds train\.json\)"):
        SST2.load(tmp_path)
    with pytest.raises(ValueError, match="atsa_rest16 has no split 'val'; it has train, test"):
        ATSA.load(tmp_path, "val")


def lines(*rows: Any) -> str:
    return "\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows)


def read(tmp_path: Path, text: str, name: str = "p.jsonl") -> dict[str, Any]:
    write(tmp_path, "sc/sst2", json.dumps(ROWS))
    (tmp_path / name).write_text(text)
    return read_predictions(tmp_path / name, SST2, SST2.load(tmp_path))


GOOD = {"id": "0", "prediction": "positive"}


def test_predictions_in_three_formats(tmp_path: Path) -> None:
    expected = {"0": "positive", "1": "nonsense"}
    rows = [GOOD, {"id": 1, "prediction": "nonsense"}]
    assert read(tmp_path, lines(*rows, "")) == expected
    assert read(tmp_path, json.dumps(rows), "p.json") == expected
    pq.write_table(pa.table({"id": ["0", "1"], "prediction": ["positive", "nonsense"]}), tmp_path / "p.parquet")
    assert read_predictions(tmp_path / "p.parquet", SST2, SST2.load(tmp_path)) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (lines(GOOD, {"id": "7", "prediction": "positive"}), r"p\.jsonl:2: unknown id '7'"),
        (lines(GOOD, "", GOOD), r"p\.jsonl:3: id '0' was already given at .*p\.jsonl:1"),
        (lines(GOOD, '{"id": "1", '), r"p\.jsonl:2: not valid JSON"),
        (lines({"id": "0"}), r"p\.jsonl:1: expected an object"),
        (lines([1]), r"p\.jsonl:1: expected an object"),
        (lines({"id": None, "prediction": "x"}), r"p\.jsonl:1: id None should be a string"),
        (lines({"id": "0", "prediction": ["positive"]}), r"p\.jsonl:1 \(id '0'\): expected a label"),
    ],
)
def test_bad_predictions_are_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read(tmp_path, text)


def test_entries_may_be_named_by_position_and_must_be_whole(tmp_path: Path) -> None:
    aspect = {"from": "0", "to": "4", "target": "Soup", "polarity": "positive"}
    write(tmp_path, ATSA.folder, json.dumps([{"ID": "x:1", "sentence": "Soup.", "aspects": [aspect]}]))
    items = ATSA.load(tmp_path)
    path = tmp_path / "p.jsonl"
    entry = {"aspect_term": "Soup", "sentiment": "positive"}
    for identity in ("x:1", "0"):
        path.write_text(lines({"id": identity, "prediction": [entry]}))
        assert read_predictions(path, ATSA, items) == {"x:1": [entry]}
    path.write_text(lines({"id": "0", "prediction": [{"aspect_term": "Soup"}]}))
    with pytest.raises(ValueError, match=r"entry 0 should be an object .*it lacks sentiment"):
        read_predictions(path, ATSA, items)
    path.write_text(lines({"id": "0", "prediction": "positive"}))
    with pytest.raises(ValueError, match="expected a list of objects"):
        read_predictions(path, ATSA, items)

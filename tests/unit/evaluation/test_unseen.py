"""Tasks that a YAML file defines."""

import json
from pathlib import Path

import pytest

from fsa_ray.evaluation.prompts import render
from fsa_ray.evaluation.sanity import sanity
from fsa_ray.evaluation.scorecard import score
from fsa_ray.evaluation.tasks import load_task

MOOD = "name: mood\nkind: classification\nfolder: mood\ninstruction: Decide on the mood.\nlabels: [calm, Tense]\n"
CAUSE = (
    "name: cause\nkind: extraction\nfolder: cause\ninstruction: List causes.\nfields: [cause, feeling]\n"
    "spans: [cause]\npolarities: [good, bad]\nid_field: key\n"
)


def define(tmp_path: Path, text: str) -> str:
    path = tmp_path / "task.yaml"
    path.write_text(text)
    return str(path)


def store(tmp_path: Path, folder: str, records: list[object]) -> None:
    (tmp_path / folder).mkdir()
    (tmp_path / folder / "test.json").write_text(json.dumps(records))


def test_a_classification_task(tmp_path: Path) -> None:
    store(tmp_path, "mood", [{"sentence": "so quiet", "label": "CALM"}, {"sentence": "oh no", "label": "tense"}])
    task = load_task(define(tmp_path, MOOD))
    items = task.load(tmp_path)
    assert score(task, items, {"0": "calm", "1": "tense"}).score == 100
    assert "Labels: calm, tense." in render(task, items[0], [items[1]], "strict")
    assert sanity(task, tmp_path).splits["test"].labels == {"calm": 1, "tense": 1}


def test_an_extraction_task(tmp_path: Path) -> None:
    opinion = {"cause": "rain", "feeling": "bad"}
    store(tmp_path, "cause", [{"key": "r", "sentence": "The rain.", "opinions": [opinion]}])
    task = load_task(define(tmp_path, CAUSE))
    items = task.load(tmp_path)
    assert score(task, items, {"r": [opinion]}).score == 100
    assert score(task, items, {"r": [opinion | {"cause": "snow"}]}).score == 0


@pytest.mark.parametrize("label", ["weiß", "'very  calm'", "' calm '", "CALM"])
def test_gold_and_answers_may_spell_a_label_as_the_file_does(tmp_path: Path, label: str) -> None:
    written = label.strip("'")
    store(tmp_path, "mood", [{"sentence": "so quiet", "label": written}, {"sentence": "oh no", "label": "tense"}])
    task = load_task(define(tmp_path, MOOD.replace("calm", label)))
    result = score(task, task.load(tmp_path), {"0": written, "1": "Tense"})
    assert (result.score, result.invalid) == (100, 0)


def test_polarities_may_be_spelled_as_the_file_does(tmp_path: Path) -> None:
    store(
        tmp_path, "cause", [{"key": "r", "sentence": "Rain.", "opinions": [{"cause": "Rain", "feeling": "Very bad"}]}]
    )
    task = load_task(define(tmp_path, CAUSE.replace("[good, bad]", "[Good, Very  bad]")))
    items = task.load(tmp_path)
    assert task.judge(items[0], [{"cause": "Rain", "feeling": "Very  Bad"}], "strict") == ((1, 1, 1, 1), False)
    assert task.judge(items[0], [{"cause": "Rain", "feeling": "Good"}], "strict") == ((0, 1, 0, 1), False)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (MOOD + "lables: [a]\n", r"task\.yaml: lables: Extra inputs"),
        (MOOD.replace("[calm, Tense]", "[calm]"), "at least two labels"),
        (MOOD.replace("[calm, Tense]", "[calm, tense, ' Calm']"), "labels: .*calm is there more than once"),
        (MOOD.replace("[calm, Tense]", "[calm, ' ']"), "labels: .*a label is blank"),
        (CAUSE.replace("[good, bad]", "[Good, good]"), "polarities: .*good is there more than once"),
        (CAUSE.replace("spans: [cause]", "spans: [why]"), "not why"),
        ("a: [", "not YAML"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        load_task(define(tmp_path, text))


def test_unknown_names_list_the_known() -> None:
    with pytest.raises(ValueError, match="no task 'sst3'; tasks: imdb, "):
        load_task("sst3")
    with pytest.raises(ValueError, match="cannot be read"):
        load_task("absent.yaml")

"""What makes a suite's questions the same or others, and which demonstrations they hold."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from fsa_ray.stages import questions as questions_stage
from fsa_ray.stages.model import GivenModel
from fsa_ray.stages.questions import Questions
from tests.unit.stages.conftest import Workshop

MOOD = """
name: mood
kind: classification
folder: mood
instruction: You are given a diary entry. Decide on its mood.
labels: [calm, tense]
"""


def test_a_changed_task_file_or_changed_data_are_other_questions(tmp_path: Path) -> None:
    (tmp_path / "mood").mkdir()
    test = tmp_path / "mood" / "test.json"
    test.write_text(json.dumps([{"sentence": "all is well", "label": "calm"}]))
    (tmp_path / "mood.yaml").write_text(MOOD)
    model = GivenModel(files=(), path="somewhere")
    found = set()
    for change in ("", "instruction", "data"):
        if change == "instruction":
            (tmp_path / "mood.yaml").write_text(MOOD.replace("Decide on", "Name"))
        if change == "data":
            test.write_text(json.dumps([{"sentence": "all is lost", "label": "tense"}]))
        fields = {"model": model, "protocol": "v2", "seeds": (1,), "max_length": 256}
        found.add(Questions.at(str(tmp_path), (str(tmp_path / "mood.yaml"),), 0, **fields).fingerprint)
    assert len(found) == 3


@pytest.mark.parametrize("text", ["all is well " * 30, "ok"])
def test_priors_stand_under_the_demonstrations_of_their_item(
    workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setattr(questions_stage, "chat_format", lambda path, trusted: SimpleNamespace(text_ids=list))
    monkeypatch.setattr(questions_stage, "is_encoder_decoder", lambda path, trusted: False)
    (tmp_path / "mood").mkdir()
    (tmp_path / "mood.yaml").write_text(MOOD)
    for split, texts in (("test", [text]), ("train", [f"{n} " + "day in, day out " * 5 for n in range(9)])):
        records = [{"sentence": one, "label": "calm"} for one in texts]
        (tmp_path / "mood" / f"{split}.json").write_text(json.dumps(records))
    found = set()
    for max_length in range(560, 900, 20):
        asked = Questions.at(
            str(tmp_path), (str(tmp_path / "mood.yaml"),), 4, model=GivenModel(files=(), path=str(tmp_path)),
            protocol="v2", seeds=(1,), calibrate=True, max_length=max_length,
        )  # fmt: skip
        item, *priors = workshop.kept(asked)
        assert [row["prior"] for row in priors] == [0, 1, 2]
        for prior in priors:
            assert prior["shots"] == item["shots"] and prior["dropped"] == item["dropped"] == 4 - item["shots"]
            assert prior["prompt"].count("day in") == item["prompt"].count("day in")
        assert workshop.measures(asked)["demonstrations_dropped"] == item["dropped"]
        found.add(item["shots"])
    assert len(found) > 1

"""What makes a suite's questions the same or others."""

import json
from pathlib import Path

from fsa_ray.stages.model import GivenModel
from fsa_ray.stages.questions import Questions

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

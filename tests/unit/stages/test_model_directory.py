"""A model that workers fetch for themselves."""

import hashlib
import os
import pickle
from pathlib import Path

import pytest

from fsa_ray.core.artifact import DataFile
from fsa_ray.stages.model import GivenModel, Model, ModelDirectory, model_stage
from fsa_ray.storage.folder import Folder


def test_each_machine_has_a_directory_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root, data = Folder("memory://models"), b'{"model_type": "qwen3"}'
    root.put("train/x/model/config.json", data)
    file = DataFile(key="train/x/model/config.json", size=len(data), sha256=hashlib.sha256(data).hexdigest())
    sent = pickle.dumps(ModelDirectory(root, Model(files=(file,))))
    for machine in ("driver", "worker"):
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / machine))
        here = Path(os.fspath(pickle.loads(sent)))
        assert here.is_relative_to(tmp_path / machine)
        assert (here / "config.json").read_bytes() == data


def test_a_model_is_the_same_wherever_it_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fsa_ray.stages.model._SAMPLE", 100)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    elsewhere, here = Folder("memory://bought/model"), tmp_path / "model"
    here.mkdir()
    for name, data in {"config.json": b"{}", "model.safetensors": bytes(range(250)) * 4, "vocab.txt": b"a"}.items():
        elsewhere.put(name, data)
        (here / name).write_bytes(data)
    given = model_stage(elsewhere.url, None, False)
    assert given.fingerprint == GivenModel.at(str(here)).fingerprint
    model = given.run(None)  # type: ignore[arg-type]
    assert Path(os.fspath(ModelDirectory(Folder(str(tmp_path)), model)), "vocab.txt").read_bytes() == b"a"
    elsewhere.put("model.safetensors", bytes(1000))
    with pytest.raises(ValueError, match=r"model.safetensors has gone or changed since the run was planned"):
        given.run(None)  # type: ignore[arg-type]
    (here / "vocab.txt").write_bytes(b"b")
    assert given.fingerprint != GivenModel.at(str(here)).fingerprint


def test_a_record_names_the_place_of_today(tmp_path: Path) -> None:
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text("{}")
        (tmp_path / name / "model.safetensors").write_bytes(b"weights")
    first, second = (GivenModel.at(str(tmp_path / name)) for name in ("first", "second"))
    assert first.fingerprint == second.fingerprint
    assert second.restored(first.run(None)).path == str(tmp_path / "second")  # type: ignore[arg-type]


def test_the_pooling_of_a_sentence_encoder_is_part_of_it_and_other_folders_are_not(tmp_path: Path) -> None:
    pooling = tmp_path / "1_Pooling" / "config.json"
    pooling.parent.mkdir()
    for path in (tmp_path / "config.json", tmp_path / "model.safetensors", pooling):
        path.write_text("{}")
    before = GivenModel.at(str(tmp_path)).fingerprint
    (tmp_path / "checkpoint-7").mkdir()
    (tmp_path / "checkpoint-7" / "config.json").write_text("{}")
    assert GivenModel.at(str(tmp_path)).fingerprint == before
    pooling.write_text('{"pooling_mode_cls_token": true}')
    assert GivenModel.at(str(tmp_path)).fingerprint != before

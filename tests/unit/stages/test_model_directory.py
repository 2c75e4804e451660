"""A model that workers fetch for themselves."""

import hashlib
import os
import pickle
from pathlib import Path

import pytest

from fsa_ray.core.artifact import DataFile
from fsa_ray.stages.model import Model, ModelDirectory
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

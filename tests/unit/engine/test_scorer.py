"""Token measurements against the forward pass of one pair at a time and the float64 reference."""

import logging
import random
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    Gemma2Config,
    Gemma2ForCausalLM,
    GPT2Config,
    GPT2LMHeadModel,
    GraniteConfig,
    GraniteForCausalLM,
    PreTrainedModel,
    Qwen3Config,
    Qwen3ForCausalLM,
    Qwen3MoeConfig,
    Qwen3MoeForCausalLM,
)

from fsa_ray.engine.causal import CausalModel
from fsa_ray.engine.pair import Pair
from fsa_ray.engine.scorer import ScorePlacement, Scorer
from fsa_ray.sentiment.difficulty import ranks_and_nuclei

SIZES = {
    "vocab_size": 300, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2,
    "num_key_value_heads": 1, "head_dim": 16, "initializer_range": 0.3,
}  # fmt: skip
WITHOUT_HEAD_DIM = {name: value for name, value in SIZES.items() if name != "head_dim"}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("proxy")
    torch.manual_seed(1)
    Qwen3ForCausalLM(Qwen3Config(**SIZES)).save_pretrained(folder)
    return str(folder)


def some_pairs(count: int = 40) -> list[Pair]:
    rng = random.Random(5)
    return [
        Pair([rng.randrange(300) for _ in range(rng.randrange(1, 60) + answer)], answer)
        for answer in (rng.randrange(1, 30) for _ in range(count))
    ]


def slow(path: str, pairs: list[Pair]) -> tuple[list[int], list[int], list[float]]:
    """Ranks, nuclei and log-probabilities; each pair alone in its pass."""
    loaded = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32)
    ranks, nuclei, logprobs = [], [], []
    for pair in pairs:
        with torch.inference_mode():
            logits = loaded(torch.tensor([pair.ids])).logits[0, -pair.answer - 1 : -1]
        targets = torch.tensor(pair.ids[-pair.answer :])
        rank, nucleus = ranks_and_nuclei(logits.numpy(), targets.numpy())
        ranks += rank.tolist()
        nuclei += nucleus.tolist()
        logprobs += logits.double().log_softmax(1).gather(1, targets[:, None])[:, 0].tolist()
    return ranks, nuclei, logprobs


def test_equal_to_one_at_a_time(model: str) -> None:
    pairs = some_pairs()
    found = Scorer(model).rank(pairs, tau=0.95)
    ranks, nuclei, logprobs = slow(model, pairs)
    assert (found.ranks.tolist(), found.nuclei.tolist()) == (ranks, nuclei)
    assert found.logprobs == pytest.approx(logprobs, abs=1e-4)
    np.testing.assert_allclose(Scorer(model).logprobs(pairs), found.logprobs, atol=1e-9)


def test_batches_change_nothing(model: str) -> None:
    pairs = some_pairs()
    wide = Scorer(model).rank(pairs, tau=0.95)
    for changed in (ScorePlacement(batch_tokens=1), ScorePlacement(batch_tokens=300)):
        other = Scorer(model, placement=changed).rank(pairs, tau=0.95)
        assert other.ranks.tolist() == wide.ranks.tolist()
        assert other.nuclei.tolist() == wide.nuclei.tolist()


def test_answers_without_tokens_take_no_place(model: str) -> None:
    first, second = some_pairs(2)
    found = Scorer(model).logprobs([Pair([7], 0), first, Pair([8, 9], 0), second])
    np.testing.assert_allclose(found, Scorer(model).logprobs([first, second]), atol=1e-6)
    assert len(Scorer("nowhere").logprobs([])) == 0, "nothing to read needs no model"


@pytest.mark.parametrize(
    "made",
    [
        lambda: Gemma2ForCausalLM(Gemma2Config(**SIZES, final_logit_softcapping=2.0)),
        lambda: GraniteForCausalLM(GraniteConfig(**WITHOUT_HEAD_DIM, logits_scaling=3.0)),
        lambda: Qwen3MoeForCausalLM(
            Qwen3MoeConfig(**SIZES, num_experts=4, num_experts_per_tok=2, moe_intermediate_size=16)
        ),
        lambda: GPT2LMHeadModel(GPT2Config(vocab_size=300, n_embd=32, n_layer=2, n_head=2, n_positions=128)),
    ],
    ids=["capped", "scaled", "experts", "another layout"],
)
def test_what_a_model_does_to_its_logits_is_done_to_parts_of_them(made: object, tmp_path: Path) -> None:
    torch.manual_seed(1)
    network = made()  # type: ignore[operator]
    assert isinstance(network, PreTrainedModel)
    network.save_pretrained(tmp_path)
    pairs = some_pairs(8)
    held = 1 + (1 << 20) // (4 * 300)  # more tokens than a part of one MiB holds
    pairs += [Pair([n % 300 for n in range(90)], 80)] * (held // 80 + 1)
    reading = CausalModel(str(tmp_path), dtype="float32", gpu=False, threads=1, trust_remote_code=False)
    parts: list[int] = []
    reading.read(pairs, 1, lambda logits, targets: parts.append(len(targets)))
    assert len(parts) == 2 and max(parts) < held
    ranks, nuclei, logprobs = slow(str(tmp_path), pairs[:8])
    found = Scorer(str(tmp_path), placement=ScorePlacement(logits_mib=1)).rank(pairs, tau=0.95)
    tokens = len(ranks)
    assert (found.ranks[:tokens].tolist(), found.nuclei[:tokens].tolist()) == (ranks, nuclei)
    assert found.logprobs[:tokens] == pytest.approx(logprobs, abs=1e-4)


def test_a_model_whose_logits_depend_on_more_is_read_whole(
    model: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: object, *_: object) -> torch.Tensor:
        raise TypeError("the body gave more than states")

    monkeypatch.setattr("fsa_ray.engine.causal._Head.__call__", broken)
    pairs = some_pairs(5)
    with caplog.at_level(logging.WARNING):
        found = Scorer(model).rank(pairs, tau=0.95)
    assert "logits_mib is not respected" in caplog.text
    assert found.ranks.tolist() == slow(model, pairs)[0]


def test_a_missing_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="nowhere"):
        Scorer(str(tmp_path / "nowhere")).logprobs([Pair([1, 2], 1)])

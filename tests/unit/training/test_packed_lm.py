"""Packed rows mean the same as the examples alone, on real transformers models of a few thousand parameters."""

import numpy as np
import pyarrow as pa
import pytest

torch = pytest.importorskip("torch")

from fsa_ray.storage.folder import Folder  # noqa: E402
from fsa_ray.training.model import load_model  # noqa: E402
from fsa_ray.training.packed_lm import PackedLM  # noqa: E402
from fsa_ray.training.packing import IGNORE, Tokenized, pack_table  # noqa: E402
from fsa_ray.training.probe import check_isolation  # noqa: E402
from fsa_ray.training.settings import ModelSource  # noqa: E402

SMALL = {
    "vocab_size": 97,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": 128,
}
QWEN = {"model_type": "qwen3", "tie_word_embeddings": True, **SMALL}
LLAMA = {"model_type": "llama", **SMALL}
GEMMA = {
    "model_type": "gemma2",
    "final_logit_softcapping": 3.0,
    "query_pre_attn_scalar": 8,
    "sliding_window": 8,
    **SMALL,
}
GPT2 = {"model_type": "gpt2", "vocab_size": 97, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 128}
MAMBA = {"model_type": "mamba", "vocab_size": 97, "hidden_size": 32, "num_hidden_layers": 2, "state_size": 8}
HYBRID = {
    "model_type": "qwen3_next",
    "num_experts": 0,
    "linear_num_key_heads": 2,
    "linear_num_value_heads": 2,
    "linear_key_head_dim": 8,
    "linear_value_head_dim": 8,
    "layer_types": ["linear_attention", "full_attention"],
    **SMALL,
}
CPU = torch.device("cpu")


def load(config: dict, dtype=torch.float32, **options) -> PackedLM:
    source = ModelSource(config={**config, **options}, seed=3)
    lm = PackedLM(load_model(Folder("."), source, dtype))
    with torch.no_grad():  # far from the start, where every model is nearly linear
        for parameter in lm.parameters():
            parameter.mul_(4.0 if parameter.dim() > 1 else 1.0)
    return lm


def examples(seed: int = 0) -> Tokenized:
    random = np.random.default_rng(seed)
    lengths = random.integers(2, 30, 25)
    return Tokenized(
        pa.array([str(i) for i in range(25)]),
        random.integers(0, 97, lengths.sum(), dtype=np.int32),
        np.concatenate([[0], np.cumsum(lengths)]),
        np.maximum(lengths // 3, 1),
    )


def packed_tensors(data: Tokenized, row_length: int = 40) -> list[torch.Tensor]:
    rows = pack_table(data, row_length, pad_id=5, seed=0).rows
    return [torch.tensor(rows[name].to_pylist()) for name in ("tokens", "labels", "positions")]


def loss_alone(lm: PackedLM, data: Tokenized) -> torch.Tensor:
    """Each example by itself through the model's own forward and labels."""
    total = torch.zeros(())
    for i, prompt in enumerate(data.prompt):
        tokens = torch.tensor(data.tokens[data.offsets[i] : data.offsets[i + 1]]).long()[None]
        labels = tokens.clone()
        labels[:, :prompt] = IGNORE
        total = total + lm.model(input_ids=tokens, labels=labels, use_cache=False).loss * (labels != IGNORE).sum()
    return total


@pytest.mark.parametrize("config", [QWEN, LLAMA, GEMMA, GPT2], ids=lambda config: config["model_type"])
@pytest.mark.parametrize("checkpointing", [False, True], ids=["plain", "gradient-checkpointing"])
def test_packed_loss_and_gradient_are_those_of_the_examples_alone(config, checkpointing):
    lm, data = load(config), examples()
    lm.eval()
    check_isolation(lm, CPU)
    alone = loss_alone(lm, data)
    alone.backward()
    expected = [parameter.grad.clone() for parameter in lm.parameters()]
    lm.zero_grad()
    if checkpointing:
        lm.train()
        lm.model.gradient_checkpointing_enable({"use_reentrant": False})
        for module in lm.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
    tokens, labels, positions = packed_tensors(data)
    assert len(tokens) > 1
    packed, _ = lm(tokens, labels, positions)
    packed.backward()
    count = int((labels != IGNORE).sum())
    assert packed.item() / count == pytest.approx(alone.item() / count, abs=1e-4)
    for gradient, parameter in zip(expected, lm.parameters(), strict=True):
        torch.testing.assert_close(parameter.grad, gradient, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("config", [QWEN, LLAMA], ids=lambda config: config["model_type"])
def test_small_chunks_of_logits_change_nothing(config):
    lm = load(config)
    lm.plain_head = True
    tensors = packed_tensors(examples())
    whole, _ = lm(*tensors)
    whole.backward()
    expected = [parameter.grad.clone() for parameter in lm.parameters()]
    lm.zero_grad()
    lm.chunk = 7
    parts, _ = lm(*tensors)
    parts.backward()
    torch.testing.assert_close(parts, whole)
    for gradient, parameter in zip(expected, lm.parameters(), strict=True):
        torch.testing.assert_close(parameter.grad, gradient, rtol=1e-4, atol=1e-5)


def test_the_head_is_run_alone_only_where_it_is_all_there_is():
    plain, capped = load(LLAMA), load(GEMMA)
    check_isolation(plain, CPU)
    check_isolation(capped, CPU)
    assert plain.plain_head
    assert not capped.plain_head


@pytest.mark.parametrize("config", [QWEN, LLAMA], ids=lambda config: config["model_type"])
def test_attention_models_pass_the_probe_in_bf16(config):
    check_isolation(load(config, torch.bfloat16), CPU)


@pytest.mark.parametrize("config", [MAMBA, HYBRID], ids=lambda config: config["model_type"])
def test_models_that_carry_state_are_refused(config):
    with pytest.raises(ValueError, match="softmax attention"):
        check_isolation(load(config), CPU)


def test_a_row_without_answers_has_no_loss_but_a_gradient():
    lm = load(LLAMA)
    lm.plain_head = True
    tokens, labels, positions = packed_tensors(examples())
    loss, _ = lm(tokens, torch.full_like(labels, IGNORE), positions)
    loss.backward()
    assert loss.item() == 0


def test_a_model_that_is_not_there_is_the_users_mistake(tmp_path):
    with pytest.raises(ValueError, match="cannot load a language model"):
        load_model(Folder("."), ModelSource(path=str(tmp_path)), torch.float32)
    with pytest.raises(ValueError, match="model_type 'nonsense'"):
        load_model(Folder("."), ModelSource(config={"model_type": "nonsense"}), torch.float32)


def test_one_seed_is_one_model_in_every_precision():
    full, half = load(LLAMA), load(LLAMA, torch.bfloat16)
    for a, b in zip(full.parameters(), half.parameters(), strict=True):
        torch.testing.assert_close(a.to(torch.bfloat16), b, rtol=0.02, atol=1e-3)

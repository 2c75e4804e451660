"""Adapters: into which layers they go, and that none is lost on the way out."""

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from fsa_ray.training.export import full_weights
from fsa_ray.training.lora import add_adapters, is_adapter, merged
from fsa_ray.training.settings import Lora

SIZES = {"vocab_size": 40, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
QWEN = SIZES | {"intermediate_size": 24, "num_key_value_heads": 1, "head_dim": 8}


def model(kind: str = "qwen3", **changes):
    torch.manual_seed(0)
    fields = QWEN if kind == "qwen3" else {"vocab_size": 40, "n_embd": 16, "n_layer": 2, "n_head": 2}
    return AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, **fields, **changes)).eval()


def disturb(adapted) -> None:
    """Adapters begin as nothing."""
    for name, value in adapted.named_parameters():
        if is_adapter(name):
            torch.nn.init.normal_(value)


@pytest.mark.parametrize(
    ("targets", "tied"), [((), True), (("q_proj", "down_proj"), True), (("lm_head", "o_proj"), False)]
)
def test_the_merged_model_says_what_the_adapted_one_says(targets, tied):
    adapted, plain, tokens = model(tie_word_embeddings=tied), model(tie_word_embeddings=tied), torch.arange(12)[None]
    lora = Lora(rank=3, alpha=5, targets=targets)
    add_adapters(adapted, lora, seed=1)
    disturb(adapted)
    weights = merged(full_weights(adapted, zero_stage=0, keep=True), lora)
    plain.load_state_dict(weights, strict=False)
    assert weights.keys() == dict(plain.named_parameters()).keys()
    with torch.no_grad():
        torch.testing.assert_close(plain(tokens).logits, adapted(tokens).logits)


@pytest.mark.parametrize(
    ("kind", "targets", "told"),
    [
        ("qwen3", ("v_prj",), r"no layer of the student is called 'v_prj'; it has .*q_proj"),
        ("qwen3", ("q_proj", "v_prj"), r"no layer of the student is called 'v_prj'; it has .*q_proj"),
        ("qwen3", ("lm_head",), "lm_head shares its weights with the embedding"),
        ("qwen3", ("q_proj", "embed_tokens"), "embed_tokens is of type Embedding"),
        ("gpt2", (), "is of type Conv1D"),
    ],
)
def test_layers_that_adapters_cannot_be_merged_into_are_refused_before_a_step(kind, targets, told):
    with pytest.raises(ValueError, match=told):
        add_adapters(model(kind, tie_word_embeddings=True), Lora(targets=targets), seed=1)

"""The directory that comes out: what others need to run the student as it was taught."""

import json

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForSeq2SeqLM,
    GenerationConfig,
    PreTrainedTokenizerFast,
)

from fsa_ray.training.export import full_weights, save_directory

TEMPLATE = (
    "{% for m in messages %}<|turn|>{{ m.content }}<|end|>{% endfor %}{% if add_generation_prompt %}<|turn|>{% endif %}"
)


@pytest.fixture
def tokenizer() -> PreTrainedTokenizerFast:
    backend = Tokenizer(models.WordLevel({"a": 0, "<unk>": 1}, unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    made = PreTrainedTokenizerFast(tokenizer_object=backend, unk_token="<unk>", eos_token="<|text|>")
    made.add_special_tokens({"additional_special_tokens": ["<|turn|>", "<|end|>"]})
    return made


def written(model, tokenizer, folder) -> dict:
    save_directory(model, full_weights(model, zero_stage=0, keep=True), tokenizer, folder)
    return json.loads((folder / "generation_config.json").read_text())


def causal():
    fields = {"vocab_size": 8, "n_embd": 8, "n_layer": 1, "n_head": 1}
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model("gpt2", **fields))
    model.generation_config = GenerationConfig(
        do_sample=True, temperature=0.6, top_p=0.95, top_k=20, eos_token_id=[1, 2]
    )
    return model


def test_a_start_that_samples_gives_a_student_that_does_not(tokenizer, tmp_path):
    found = written(causal(), tokenizer, tmp_path)
    assert not {"do_sample", "temperature", "top_p", "top_k"} & found.keys()


def test_it_ends_where_it_was_taught_to_end(tokenizer, tmp_path):
    text, end = (tokenizer.convert_tokens_to_ids(token) for token in ("<|text|>", "<|end|>"))
    assert written(causal(), tokenizer, tmp_path / "plain")["eos_token_id"] == text
    tokenizer.chat_template = TEMPLATE
    assert written(causal(), tokenizer, tmp_path / "chat")["eos_token_id"] == [end, text]


def test_an_encoder_decoder_begins_as_it_did(tokenizer, tmp_path):
    fields = {"vocab_size": 8, "d_model": 8, "d_kv": 4, "d_ff": 8, "num_layers": 1, "num_heads": 2}
    config = AutoConfig.for_model("t5", decoder_start_token_id=3, **fields)
    assert written(AutoModelForSeq2SeqLM.from_config(config), tokenizer, tmp_path)["decoder_start_token_id"] == 3

"""Texts of whole answers against those that vLLM writes token by token."""

import random
from typing import Any

import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast
from vllm import SamplingParams
from vllm.v1.engine import EngineCoreRequest
from vllm.v1.engine.detokenizer import IncrementalDetokenizer

from fsa_ray.engine.detokenizer import Detokenizer

TEXTS = ["the food was good, the service slow", "naïve café 日本語の料理 😀 👩‍🍳", "très bien ! ¿qué tal?"] * 3
LAYOUTS = {
    "bytes": (pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()),
    "metaspace": (pre_tokenizers.Metaspace(), decoders.Metaspace()),
}


@pytest.fixture(params=LAYOUTS, scope="module")
def tokenizer(request: pytest.FixtureRequest) -> PreTrainedTokenizerFast:
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer, backend.decoder = LAYOUTS[request.param]
    alphabet = pre_tokenizers.ByteLevel.alphabet() if request.param == "bytes" else []
    trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=["<end>", "<pad>"], initial_alphabet=alphabet)
    backend.train_from_iterator(TEXTS, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="<end>", pad_token="<pad>")


def written(tokenizer: Any, prompt: list[int], answer: list[int]) -> str:
    """By vLLM."""
    request = EngineCoreRequest(
        request_id="1", prompt_token_ids=prompt, mm_features=None, sampling_params=SamplingParams(),
        pooling_params=None, arrival_time=0.0, lora_request=None, cache_salt=None, data_parallel_rank=None,
    )  # fmt: skip
    writer = IncrementalDetokenizer.from_new_request(tokenizer, request)
    for token in answer:
        writer.update([token], False)
    return writer.get_next_output_text(True, False)


def test_texts_are_those_of_vllm(tokenizer: PreTrainedTokenizerFast) -> None:
    chance = random.Random(0)
    ours = Detokenizer(tokenizer)
    assert ours.works
    for _ in range(300):
        prompt = tokenizer(chance.choice(TEXTS)).input_ids  # always text; answers may be anything
        answer = [chance.randrange(len(tokenizer)) for _ in range(chance.randrange(0, 40))]
        assert ours.text(prompt, answer) == written(tokenizer, prompt, answer)
    for text in TEXTS:
        prompt, answer = tokenizer("say:").input_ids, tokenizer(text).input_ids
        for cut in range(len(answer) + 1):  # also within a character
            assert ours.text(prompt, answer[:cut]) == written(tokenizer, prompt, answer[:cut])


def test_what_decodes_otherwise_is_left_to_vllm() -> None:
    assert not Detokenizer(object()).works
    backend = Tokenizer(models.BPE())
    backend.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    assert not Detokenizer(PreTrainedTokenizerFast(tokenizer_object=backend)).works

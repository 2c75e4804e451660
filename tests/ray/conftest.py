"""One Ray and one engine for all tests that need them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fsa_ray.engine.placement import EnginePlacement, RayPlacement
from fsa_ray.engine.session import Engine, ModelSettings, Session
from fsa_ray.stages.tokenizer import CHAT_TEMPLATE


@pytest.fixture(scope="session")
def ray_session() -> Iterator[Session]:
    with Session(RayPlacement()) as session:
        session.start_ray()
        yield session


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A directory with a random Qwen3-style model of 0.2 million parameters and a byte-level tokenizer."""
    folder = tmp_path_factory.mktemp("tiny-model")
    save_tiny_model(folder)
    return str(folder)


@pytest.fixture(scope="session")
def engine(ray_session: Session, tiny_model: str) -> Engine:
    settings = ModelSettings(model=tiny_model, dtype="float32", max_model_len=128)
    return ray_session.engine(settings, EnginePlacement(unit_rows=16, max_num_seqs=32))


def save_tiny_tokenizer(folder: Path) -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    texts = ["the food was good but the service was slow", "positive negative neutral"]
    trainer = trainers.BpeTrainer(vocab_size=320, special_tokens=special, initial_alphabet=alphabet)
    backend.train_from_iterator(texts * 4, trainer)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, eos_token=special[2], pad_token=special[0])
    tokenizer.chat_template = CHAT_TEMPLATE
    tokenizer.save_pretrained(folder)
    return tokenizer


def save_tiny_model(folder: Path) -> None:
    import torch
    from transformers import Qwen3Config, Qwen3ForCausalLM

    tokenizer = save_tiny_tokenizer(folder)
    torch.manual_seed(0)
    config = Qwen3Config(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=32,
        max_position_embeddings=4096,
        tie_word_embeddings=True,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    Qwen3ForCausalLM(config).save_pretrained(folder)


def save_tiny_encoder_decoder(folder: Path) -> None:
    """A random T5 of 0.1 million parameters with the tokenizer of the tiny model."""
    import torch
    from transformers import T5Config, T5ForConditionalGeneration

    tokenizer = save_tiny_tokenizer(folder)
    torch.manual_seed(0)
    config = T5Config(
        vocab_size=len(tokenizer),
        d_model=32,
        d_kv=16,
        d_ff=64,
        num_layers=2,
        num_heads=2,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        decoder_start_token_id=tokenizer.pad_token_id,
    )
    T5ForConditionalGeneration(config).save_pretrained(folder)

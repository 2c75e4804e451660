"""Loading a language model, from a directory, from stored files or from a config."""

from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer

from fsa_ray.core.local_copy import local_directory, model_here
from fsa_ray.storage.folder import Folder
from fsa_ray.training.settings import ModelSource, Precision

DTYPES: dict[Precision, torch.dtype] = {"bf16": torch.bfloat16, "fp32": torch.float32}


def load_model(root: Folder, source: ModelSource, dtype: torch.dtype, attention: str | None = None) -> Any:
    """A transformers causal LM, or encoder-decoder, in training mode with weights of `dtype`; safetensors only.

    `attention` is transformers' name of the kernel (sdpa, flash_attention_2, ...); None leaves it the choice.
    ValueError when there is no model at the path, its weights are not safetensors, its type is unknown or it writes no
    text.
    """
    options = {"attn_implementation": attention, "trust_remote_code": source.trust_remote_code}
    config, where = _config(root, source)
    loader = AutoModelForSeq2SeqLM if config.is_encoder_decoder else AutoModelForCausalLM
    if config.is_encoder_decoder and getattr(config, "decoder_start_token_id", None) is None:
        config.decoder_start_token_id = config.pad_token_id
    if where is None:
        torch.manual_seed(source.seed)
        # Initialised in fp32 whatever the precision, so that one seed means one set of weights.
        model = loader.from_config(config, dtype=torch.float32, **options).to(dtype)
    else:
        try:
            model = loader.from_pretrained(
                where, config=config, revision=source.revision, use_safetensors=True, dtype=dtype, **options
            )
        except (OSError, ValueError) as error:
            raise ValueError(f"cannot load a language model from {where}: {error}") from error
    model.config.use_cache = False
    model.train()
    return model


def model_directory(root: Folder, source: ModelSource) -> str:
    """A local directory (or the hub id) that holds the model's files; stored files are fetched when not local."""
    if source.path is not None:
        return model_here(source.path)
    assert source.files, "a model made from a config has no directory"
    return local_directory(root, source.files)


def load_tokenizer(root: Folder, source: ModelSource) -> Any:
    """The tokenizer beside a model. ValueError when there is none."""
    where = model_directory(root, source)
    try:
        return AutoTokenizer.from_pretrained(
            where, revision=source.revision, trust_remote_code=source.trust_remote_code
        )
    except (OSError, ValueError) as error:
        raise ValueError(f"cannot load a tokenizer from {where}: {error}") from error


def _config(root: Folder, source: ModelSource) -> tuple[Any, str | None]:
    """The model's configuration, and the directory or hub id of its weights, if it has any."""
    if source.config is None:
        where = model_directory(root, source)
        try:
            options = {"revision": source.revision, "trust_remote_code": source.trust_remote_code}
            return AutoConfig.from_pretrained(where, **options), where
        except (OSError, ValueError) as error:
            raise ValueError(f"cannot load a language model from {where}: {error}") from error
    fields = dict(source.config)
    name = fields.pop("model_type")
    try:
        return AutoConfig.for_model(name, **fields), None
    except ValueError as error:
        raise ValueError(f"model_type {name!r} in the model's config is not one that transformers knows") from error

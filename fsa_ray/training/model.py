"""Loading a causal language model, from a directory, from stored files or from a config."""

import tempfile
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

from fsa_ray.storage.folder import Folder
from fsa_ray.training.settings import ModelSource, Precision

DTYPES: dict[Precision, torch.dtype] = {"bf16": torch.bfloat16, "fp32": torch.float32}


def load_model(root: Folder, source: ModelSource, dtype: torch.dtype, attention: str | None = None) -> Any:
    """A transformers causal LM in training mode with weights of `dtype`; safetensors only.

    `attention` is transformers' name of the kernel (sdpa, flash_attention_2, ...); None leaves it the choice.
    ValueError when there is no model at the path, its weights are not safetensors, its type is unknown or it is no
    causal LM.
    """
    options = {"dtype": dtype, "attn_implementation": attention, "trust_remote_code": source.trust_remote_code}
    if source.config is not None:
        model = _from_config(source, options)
    else:
        where = model_directory(root, source)
        try:
            model = AutoModelForCausalLM.from_pretrained(
                where, revision=source.revision, use_safetensors=True, **options
            )
        except (OSError, ValueError) as error:
            raise ValueError(f"cannot load a causal language model from {where}: {error}") from error
    model.config.use_cache = False
    model.train()
    return model


def model_directory(root: Folder, source: ModelSource) -> str:
    """A local directory (or the hub id) that holds the model's files; stored files are fetched when not local."""
    if source.path is not None:
        return source.path
    assert source.files, "a model made from a config has no directory"
    if root.is_local:
        return str(Path(root.where(source.files[0].key)).parent)
    local = Path(tempfile.mkdtemp(prefix="fsa-ray-model-"))
    for file in source.files:
        (local / Path(file.key).name).write_bytes(root.get(file.key))
    return str(local)


def load_tokenizer(root: Folder, source: ModelSource) -> Any:
    """The tokenizer beside a model. ValueError when there is none."""
    where = model_directory(root, source)
    try:
        return AutoTokenizer.from_pretrained(
            where, revision=source.revision, trust_remote_code=source.trust_remote_code
        )
    except (OSError, ValueError) as error:
        raise ValueError(f"cannot load a tokenizer from {where}: {error}") from error


def _from_config(source: ModelSource, options: dict[str, Any]) -> Any:
    fields = dict(source.config or {})
    name = fields.pop("model_type")
    try:
        config = AutoConfig.for_model(name, **fields)
    except ValueError as error:
        raise ValueError(f"model_type {name!r} in the model's config is not one that transformers knows") from error
    torch.manual_seed(source.seed)
    dtype = options.pop("dtype")
    # Initialised in fp32 whatever the precision, so that one seed means one set of weights.
    return AutoModelForCausalLM.from_config(config, dtype=torch.float32, **options).to(dtype)

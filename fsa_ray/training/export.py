"""Writes a trained model as a plain Hugging Face directory, whatever ZeRO stage it was trained at."""

import contextlib
from pathlib import Path
from typing import Any

import torch
from deepspeed.runtime.zero import GatheredParameters
from transformers import GenerationConfig

from fsa_ray.core.artifact import DataFile
from fsa_ray.core.tables import write_file
from fsa_ray.sentiment.chat import ChatFormat
from fsa_ray.storage.folder import Folder

_TOKENS = ("bos_token_id", "eos_token_id", "pad_token_id", "decoder_start_token_id", "forced_bos_token_id")


def full_weights(model: Any, *, zero_stage: int, keep: bool) -> dict[str, torch.Tensor]:
    """All parameters and stored buffers on the CPU, tied ones once. Collective; empty unless `keep` (rank 0)."""
    weights: dict[str, torch.Tensor] = {}
    for name, parameter in model.named_parameters():
        gathered = GatheredParameters([parameter]) if zero_stage == 3 else contextlib.nullcontext()
        with gathered:
            if keep:
                weights[name] = parameter.detach().to("cpu", copy=True)
    if keep:
        transient = {
            f"{prefix}.{name}" if prefix else name
            for prefix, module in model.named_modules()
            for name in module._non_persistent_buffers_set
        }
        weights |= {n: b.detach().to("cpu", copy=True) for n, b in model.named_buffers() if n not in transient}
    return weights


def save_directory(model: Any, weights: dict[str, torch.Tensor], tokenizer: Any | None, directory: Path) -> None:
    """Safetensors, config.json, generation_config.json and the tokenizer's files.

    Whatever the start's own defaults, decoding is greedy, and ends where the student was taught to end.
    """
    directory.mkdir(parents=True, exist_ok=True)
    model.config.use_cache = True
    model.generation_config = _greedy(model.generation_config)
    if tokenizer is not None:
        for config in (model.config, model.generation_config):
            config.bos_token_id = tokenizer.bos_token_id
            config.eos_token_id = tokenizer.eos_token_id
            config.pad_token_id = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else config.eos_token_id
        end = tokenizer.eos_token_id if model.config.is_encoder_decoder else ChatFormat(tokenizer).end_id
        if end != tokenizer.eos_token_id:
            ends = [end] if tokenizer.eos_token_id is None else [end, tokenizer.eos_token_id]
            model.generation_config.eos_token_id = ends
        tokenizer.save_pretrained(directory)
    model.save_pretrained(directory, state_dict=weights, max_shard_size="2GB")


def _greedy(start: Any) -> GenerationConfig:
    """Nothing of a start's decoding but its special tokens."""
    return GenerationConfig(**{name: value for name in _TOKENS if (value := getattr(start, name, None)) is not None})


def store_directory(directory: Path, root: Folder, out: Folder) -> list[DataFile]:
    """Copies the files of `directory` (flat) to `out`, and says what was written."""
    return [write_file(root, out, path.name, path.read_bytes()) for path in sorted(directory.iterdir())]

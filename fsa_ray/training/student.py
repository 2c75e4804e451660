"""The model that is trained, as the loop gets it."""

import hashlib
from typing import Any

import torch

from fsa_ray.engine.train import TrainPlacement
from fsa_ray.training.export import full_weights
from fsa_ray.training.lora import add_adapters
from fsa_ray.training.model import DTYPES, load_model, load_tokenizer
from fsa_ray.training.packed_lm import PackedLM
from fsa_ray.training.pair_lm import PairLM
from fsa_ray.training.settings import TrainJob

Student = PackedLM | PairLM


def load_student(job: TrainJob, placement: TrainPlacement, *, digest: bool) -> tuple[Student, str | None]:
    """The student on the CPU, and on demand the digest of the weights that it starts from. ValueError for a user's
    mistake. Tokens of a tokenizer of its own that the model has no embeddings for get new ones."""
    settings = job.settings
    model = load_model(job.root, job.model, DTYPES[settings.precision], placement.attention)
    start = weights_digest(full_weights(model, zero_stage=0, keep=True)) if digest else None
    if job.model.config is None and job.tokenizer is not None:
        tokens = len(load_tokenizer(job.root, job.tokenizer))
        if tokens > model.get_input_embeddings().num_embeddings:
            torch.manual_seed(settings.seed)
            model.resize_token_embeddings(tokens, pad_to_multiple_of=64, mean_resizing=False)
    if settings.lora is not None:
        add_adapters(model, settings.lora, settings.seed)
    if placement.gradient_checkpointing:
        model.gradient_checkpointing_enable({"use_reentrant": False})
    kind = PairLM if model.config.is_encoder_decoder else PackedLM
    return kind(model, settings.soft_labels), start


def weights_digest(weights: dict[str, Any]) -> str:
    """sha256 over names, shapes and values of the tensors, whatever their order. Values are rounded to bf16, so that
    weights stored in one precision and loaded in another are the same."""
    digest = hashlib.sha256()
    for name in sorted(weights):
        value = weights[name].detach().cpu().to(torch.bfloat16).contiguous()
        digest.update(f"{name}\0{tuple(value.shape)}\0".encode())
        digest.update(memoryview(value.reshape(-1).view(torch.uint8).numpy()))
    return digest.hexdigest()

"""Low-rank adapters: put into a model, and merged into its weights at the end."""

from typing import Any

import torch

from fsa_ray.training.settings import Lora

_ADAPTER = "student"


def add_adapters(model: Any, lora: Lora, seed: int) -> None:
    """Puts adapters into the model's linear layers; all else is frozen. ValueError if no layer has a given name."""
    from peft import LoraConfig, inject_adapter_in_model

    torch.manual_seed(seed)
    config = LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=list(lora.targets) or "all-linear",
    )
    inject_adapter_in_model(config, model, adapter_name=_ADAPTER)


def merged(weights: dict[str, torch.Tensor], lora: Lora) -> dict[str, torch.Tensor]:
    """The weights of a plain model: W + alpha / rank * B A, computed in fp32, under the layers' own names."""
    found: dict[str, torch.Tensor] = {}
    for name, value in weights.items():
        if ".lora_" in name:
            continue
        prefix, split, last = name.partition(".base_layer.")
        if split and last == "weight":
            down, up = (weights[f"{prefix}.lora_{side}.{_ADAPTER}.weight"].float() for side in "AB")
            found[f"{prefix}.weight"] = (value.float() + lora.alpha / lora.rank * (up @ down)).to(value.dtype)
        else:
            found[f"{prefix}.{last}" if split else name] = value
    return found

"""Low-rank adapters: put into a model, and merged into its weights at the end."""

from typing import Any

import torch

from fsa_ray.training.settings import Lora

_ADAPTER = "student"


def add_adapters(model: Any, lora: Lora, seed: int) -> None:
    """Puts adapters into the model's linear layers; all else is frozen. ValueError for a name that no layer has, and
    for layers into which adapters cannot be merged."""
    from peft import LoraConfig, inject_adapter_in_model

    torch.manual_seed(seed)
    config = LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=list(lora.targets) or "all-linear",
    )
    for target in lora.targets:
        if not any(name == target or name.endswith(f".{target}") for name, _ in model.named_modules()):
            raise ValueError(
                f"lora.targets: no layer of the student is called {target!r}; it has {_linear_layers(model)}"
            )
    inject_adapter_in_model(config, model, adapter_name=_ADAPTER)
    adapted = {name: module.base_layer for name, module in model.named_modules() if hasattr(module, "base_layer")}
    embedding = model.get_input_embeddings().weight
    for name, layer in adapted.items():
        if not isinstance(layer, torch.nn.Linear):
            raise ValueError(
                f"lora: {name} is of type {type(layer).__name__}, and adapters can be merged into linear layers alone; "
                "name others in lora.targets, or leave lora out"
            )
        if layer.weight is embedding:
            raise ValueError(f"lora.targets: {name} shares its weights with the embedding; leave it out")


def merged(weights: dict[str, torch.Tensor], lora: Lora) -> dict[str, torch.Tensor]:
    """The weights of a plain model: W + alpha / rank * B A, computed in fp32, under the layers' own names."""
    found: dict[str, torch.Tensor] = {}
    adapters = {name: value.float() for name, value in weights.items() if is_adapter(name)}
    for name, value in weights.items():
        if is_adapter(name):
            continue
        prefix, split, last = name.partition(".base_layer.")
        if split and last == "weight":
            down, up = (adapters.pop(f"{prefix}.lora_{side}.{_ADAPTER}.weight") for side in "AB")
            found[f"{prefix}.weight"] = (value.float() + lora.alpha / lora.rank * (up @ down)).to(value.dtype)
        else:
            found[f"{prefix}.{last}" if split else name] = value
    assert not adapters, f"no layer to merge {sorted(adapters)} into"
    return found


def is_adapter(name: str) -> bool:
    """Whether a parameter is merged away at the end."""
    return ".lora_" in name


def _linear_layers(model: Any) -> str:
    names = (name for name, module in model.named_modules() if isinstance(module, torch.nn.Linear))
    return ", ".join(sorted({name.rpartition(".")[2] for name in names}))

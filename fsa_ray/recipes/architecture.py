"""Which kind of model a config means, told without loading any library of models."""

import json
from typing import Any

from fsa_ray.core.stage import Stage
from fsa_ray.stages.model import GivenModel, Model
from fsa_ray.storage.folder import Folder

ENCODER_DECODERS = frozenset({
    "bart", "bigbird_pegasus", "blenderbot", "blenderbot-small", "encoder-decoder", "fsmt", "led", "longt5", "m2m_100",
    "marian", "mbart", "mt5", "mvp", "nllb-moe", "pegasus", "pegasus_x", "plbart", "prophetnet", "switch_transformers",
    "t5", "t5gemma", "t5gemma2", "umt5",
})  # fmt: skip
"""Types of configs that mean an encoder-decoder of texts, whether or not they say so."""


def require_causal(where: str, config: dict[str, Any]) -> None:
    """Raises ValueError if a config means an encoder-decoder."""
    if _is_encoder_decoder(config):
        raise ValueError(
            f"{where}: {config.get('model_type')} is an encoder-decoder, and this recipe trains causal models; "
            "name a causal one such as qwen3, or take the recipe fsa"
        )


def require_encoder_decoder(where: str, config: dict[str, Any]) -> None:
    """Raises ValueError if a config means another model, as far as it tells."""
    if _is_encoder_decoder(config) is False:
        raise ValueError(
            f"{where}: {config.get('model_type')} is no encoder-decoder that is known, and this recipe trains such; "
            "name one such as t5 (one of another type says is_encoder_decoder: true in its config)"
        )


def config_of(model: Stage[Model]) -> dict[str, Any]:
    """What the config.json of a given model says; nothing of one on the hub, which is fetched when the run begins."""
    if not isinstance(model, GivenModel):
        return {}
    try:
        found = json.loads(Folder(model.path).get("config.json"))
    except ValueError as error:
        raise ValueError(f"{model.path}/config.json: {error}") from error
    return found if isinstance(found, dict) else {}


def _is_encoder_decoder(config: dict[str, Any]) -> bool | None:
    """None if the config does not tell."""
    said, kind = config.get("is_encoder_decoder"), config.get("model_type")
    if isinstance(said, bool):
        return said
    return None if kind is None else kind in ENCODER_DECODERS

"""What a training run is: every value here changes the weights that come out."""

import hashlib
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from fsa_ray.core.artifact import DataFile, Table
from fsa_ray.storage.folder import Folder

Precision = Literal["bf16", "fp32"]


class TrainSettings(BaseModel):
    """Identity of a training run. Workers, micro-batch and ZeRO stage are placement and are not here.

    Lengths are in optimiser steps; `global_batch` is in packed rows. Exactly one of `epochs` and `max_steps` is given.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    epochs: float | None = Field(None, gt=0)
    max_steps: int | None = Field(None, ge=1)
    global_batch: int = Field(ge=1)
    learning_rate: float = Field(gt=0)
    min_lr_ratio: float = Field(0.0, ge=0, le=1)
    warmup_ratio: float = Field(0.0, ge=0, lt=1)
    weight_decay: float = Field(0.1, ge=0)
    betas: tuple[float, float] = (0.9, 0.999)
    epsilon: float = Field(1e-8, gt=0)
    clip: float = Field(1.0, gt=0)
    precision: Precision = "bf16"
    seed: int = Field(42, ge=0)
    checkpoint_every: int = Field(100, ge=1)

    @model_validator(mode="after")
    def _one_length(self) -> Self:
        if (self.epochs is None) == (self.max_steps is None):
            raise ValueError("give either epochs or max_steps, and not both")
        if not all(0 <= beta < 1 for beta in self.betas):
            raise ValueError(f"betas are {self.betas}; both must be at least 0 and below 1")
        return self


class ModelSource(BaseModel):
    """Where a model's weights come from; exactly one of three.

    `path`: a directory, or a hub id with its `revision`. `files`: a model that an earlier stage stored below the root.
    `config`: a new model, e.g. {"model_type": "qwen3", "hidden_size": 128, ...}, initialised from `seed`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str | None = None
    revision: str | None = None
    files: tuple[DataFile, ...] = ()
    config: dict[str, Any] | None = None
    seed: int = 0
    trust_remote_code: bool = False

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if (self.path is not None) + bool(self.files) + (self.config is not None) != 1:
            raise ValueError("give one of: a model's path, the files of a stored model, a config to start from")
        if self.config is not None and "model_type" not in self.config:
            raise ValueError('the model\'s config has no model_type; give one that transformers knows, e.g. "qwen3"')
        return self


class TrainJob(BaseModel):
    """Everything that a train worker is told. `tokenizer` is copied into the result; by default the model's own."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    settings: TrainSettings
    model: ModelSource
    tokenizer: ModelSource | None = None
    root: Folder
    corpus: Table
    out: Folder
    progress: Folder

    @property
    def identity(self) -> str:
        """Digest of what decides the weights: a checkpoint of another identity is refused."""
        parts = self.model_dump_json(include={"settings", "model", "corpus"})
        return hashlib.sha256(parts.encode()).hexdigest()

"""What a training run is: every value here changes the weights that come out."""

import hashlib
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from fsa_ray.core.artifact import DataFile, Table
from fsa_ray.storage.folder import Folder

Precision = Literal["bf16", "fp32"]
Optimizer = Literal["adamw", "rms_adamw"]
Divergence = Literal["forward", "reverse"]

USUAL_WEIGHT = 0.1


class Lora(BaseModel):
    """Low-rank adapters instead of all weights; what comes out is merged into the weights."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rank: int = Field(16, ge=1)
    alpha: float = Field(32.0, gt=0)
    dropout: float = Field(0.0, ge=0, lt=1)
    targets: tuple[str, ...] = ()  # names of linear layers, such as q_proj; empty: all but the head


class SoftLabels(BaseModel):
    """How much the teacher's probabilities of the label words count beside its text.

    The loss is (1 - weight) x cross-entropy of the text + weight x divergence of the label distributions, the former
    a mean over answer tokens, the latter over the answers that have such a distribution. `temperature` divides the
    student's logits; `forward` is KL(teacher || student). The papers have no such loss; the usual weight is ours and
    untested, except that 0.5 is too much for students that must also write (`benchmarks/results/soft-labels.md`).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    weight: float = Field(gt=0, le=1)  # USUAL_WEIGHT if not given
    temperature: float = Field(1.0, gt=0)
    divergence: Divergence = "forward"

    @model_validator(mode="before")
    @classmethod
    def _weighed(cls, given: Any) -> Any:
        """No default of the field: a fingerprint leaves those out, so that another one would pass for the old."""
        return {"weight": USUAL_WEIGHT} | given if isinstance(given, dict) else given


class Watch(BaseModel):
    """Looking at the loss on examples that are not trained on, every so many steps.

    `best` takes out the weights that had the lowest; with `patience` training ends after so many looks without a lower
    one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    every: int = Field(ge=1)
    best: bool = True
    patience: int | None = Field(None, ge=1)


class TrainSettings(BaseModel):
    """Identity of a training run. Workers, micro-batch and ZeRO stage are placement and are not here.

    Lengths are in optimiser steps; `global_batch` is in rows of the corpus: packed rows, or pairs of texts for an
    encoder-decoder. Exactly one of `epochs` and `max_steps` is given.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    epochs: float | None = Field(None, gt=0)
    max_steps: int | None = Field(None, ge=0)  # 0: a model that is not trained at all, as a control
    global_batch: int = Field(ge=1)
    learning_rate: float = Field(gt=0)
    min_lr_ratio: float = Field(0.0, ge=0, le=1)
    warmup_ratio: float = Field(0.0, ge=0, lt=1)
    schedule: Literal["cosine", "linear"] = "cosine"  # after the warm-up
    weight_decay: float = Field(0.1, ge=0)
    betas: tuple[float, float] = (0.9, 0.999)
    epsilon: float = Field(1e-8, gt=0)
    clip: float = Field(1.0, gt=0)
    precision: Precision = "bf16"
    seed: int = Field(42, ge=0)
    checkpoint_every: int = Field(100, ge=1)
    optimizer: Optimizer = "adamw"  # rms_adamw: steps in proportion to each tensor's size (FSA-Distillation)
    lora: Lora | None = None
    soft_labels: SoftLabels | None = None
    watch: Watch | None = None

    @model_validator(mode="after")
    def _one_length(self) -> Self:
        if (self.epochs is None) == (self.max_steps is None):
            raise ValueError("give either epochs or max_steps, and not both")
        if not all(0 <= beta < 1 for beta in self.betas):
            raise ValueError(f"betas are {self.betas}; both must be at least 0 and below 1")
        return self


class ModelSource(BaseModel):
    """Where a model's weights come from; exactly one of three.

    `path`: a directory, its URL, or a hub id with its `revision`. `files`: a model that an earlier stage stored below
    the root. `config`: a new model, e.g. {"model_type": "qwen3", "hidden_size": 128, ...}, initialised from `seed`.
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
    """Everything that a train worker is told. `tokenizer` is copied into the result; by default the model's own.

    `dev` is a corpus like the other, to look at.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    settings: TrainSettings
    model: ModelSource
    tokenizer: ModelSource | None = None
    root: Folder
    corpus: Table
    dev: Table | None = None
    out: Folder
    progress: Folder

    @property
    def identity(self) -> str:
        """Digest of what decides the weights: a checkpoint of another identity is refused."""
        parts = self.model_dump_json(include={"settings", "model", "corpus", "dev"})
        return hashlib.sha256(parts.encode()).hexdigest()

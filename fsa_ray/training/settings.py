"""What a training run is: all values here but `checkpoint_every` change the weights that come out."""

import hashlib
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from fsa_ray.core.artifact import DataFile, Table
from fsa_ray.core.fingerprint import canonical, fields_of
from fsa_ray.storage.folder import Folder

Precision = Literal["bf16", "fp32"]
Optimizer = Literal["adamw", "rms_adamw"]
Divergence = Literal["forward", "reverse"]

USUAL_WEIGHT = 0.1


class Lora(BaseModel):
    """Low-rank adapters instead of all weights; what comes out is merged into the weights."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rank: int = Field(16, ge=1, description="of each adapter")
    alpha: float = Field(32.0, gt=0, description="the adapters count alpha / rank times")
    dropout: float = Field(0.0, ge=0, lt=1, description="of what the adapters read")
    targets: tuple[str, ...] = Field((), description="names of linear layers, such as q_proj; none: all but the head")


class SoftLabels(BaseModel):
    """How much the teacher's probabilities of the label words count beside its text.

    The loss is (1 - weight) x cross-entropy of the text + weight x divergence of the label distributions, the former
    a mean over answer tokens, the latter over the answers that have such a distribution. `temperature` divides the
    student's logits; `forward` is KL(teacher || student). The papers have no such loss; the usual weight is ours: at
    0.1 small students classified better and wrote nearly as well, at 0.5 they hardly wrote
    (`benchmarks/results/soft-labels.md`).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    weight: float = Field(
        gt=0, le=1, description="of the divergence in the loss", json_schema_extra={"usual": USUAL_WEIGHT}
    )
    temperature: float = Field(1.0, gt=0, description="divides the student's logits")
    divergence: Divergence = Field("forward", description="KL(teacher || student), or reverse")

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

    every: int = Field(ge=1, description="steps between two looks")
    best: bool = Field(True, description="take out the weights that did best, not the last ones")
    patience: int | None = Field(None, ge=1, description="end after so many looks without a better one")


class TrainSettings(BaseModel):
    """Identity of a training run. Workers, micro-batch and ZeRO stage are placement and are not here.

    Lengths are in optimiser steps; `global_batch` is in rows of the corpus: packed rows, or pairs of texts for an
    encoder-decoder. Exactly one of `epochs` and `max_steps` is given.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    epochs: float | None = Field(None, gt=0, description="how often each row is read; or give max_steps")
    max_steps: int | None = Field(None, ge=0, description="optimiser steps; 0: not trained at all, as a control")
    global_batch: int = Field(ge=1, description="rows of a step, over all workers")
    learning_rate: float = Field(gt=0, description="the highest, after the warm-up")
    min_lr_ratio: float = Field(0.0, ge=0, le=1, description="share of the rate that is left at the end")
    warmup_ratio: float = Field(0.0, ge=0, lt=1, description="share of the steps in which the rate rises")
    schedule: Literal["cosine", "linear"] = Field("cosine", description="how the rate falls after the warm-up")
    weight_decay: float = Field(0.1, ge=0, description="of all tensors, times the rate")
    betas: tuple[float, float] = Field((0.9, 0.999), description="of AdamW's moments")
    epsilon: float = Field(1e-8, gt=0, description="of AdamW")
    clip: float = Field(1.0, gt=0, description="largest norm of a step's gradient")
    precision: Precision = Field("bf16", description="of weights and activations; masters and moments are fp32")
    seed: int = Field(42, ge=0, description="of starting weights, order of rows and dropout")
    checkpoint_every: int = Field(100, ge=1, exclude=True, description="steps; changes no weight")
    optimizer: Optimizer = Field(
        "adamw", description="rms_adamw: steps in proportion to each tensor's size (FSA-Distillation)"
    )
    lora: Lora | None = Field(None, description="train low-rank adapters, merged into the weights at the end")
    soft_labels: SoftLabels | None = Field(None, description="learn the teacher's probabilities of label words too")
    watch: Watch | None = Field(None, description="look at the loss on examples that are held out")

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

    `dev` is a corpus like the other, to look at. `begins_with`: the digest that the starting weights must have.
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
    begins_with: str | None = None

    @property
    def identity(self) -> str:
        """Digest of what decides the weights, not of where it lies: a checkpoint of another identity is refused.

        What a model's path holds is not looked at; `progress` belongs to a stage whose fingerprint has done so.
        """
        settings = fields_of(self.settings, skip_defaults=True)
        model = fields_of(self.model.model_copy(update={"path": None, "files": ()}), skip_defaults=True)
        # A model's card tells the day on which it was made.
        given = tuple(file for file in self.model.files if not file.key.endswith("/README.md"))
        files = [given, self.corpus.files, () if self.dev is None else self.dev.files]
        return hashlib.sha256(
            canonical({"settings": settings, "model": model, "files": [[one.sha256 for one in part] for part in files]})
        ).hexdigest()

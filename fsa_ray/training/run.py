"""Trains a model from packed rows. Imports neither torch nor transformers: those load in the workers."""

import logging
import os
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, ConfigDict

from fsa_ray.core.artifact import DataFile
from fsa_ray.core.beat import Beat
from fsa_ray.engine.train import Drained, TrainPlacement, launch
from fsa_ray.training.batches import group_sizes
from fsa_ray.training.pulse import told
from fsa_ray.training.settings import TrainJob


class TrainOutcome(BaseModel):
    """What a finished run left. `files`: the Hugging Face directory and metrics.jsonl (one StepLine a line)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    files: tuple[DataFile, ...]
    start_digest: str | None  # of the weights that training started from
    digest: str  # of the weights that came out
    steps: int
    resumed_at: int  # steps that were already done
    rows: int  # of the corpus
    parameters: int
    answer_tokens: int  # trained on, over all steps
    tokens: int  # processed, padding too, over all steps
    final_loss: float | None  # None without a step
    prepare_seconds: float
    train_seconds: float
    step_seconds: float  # of the steps that came out, earlier groups' included
    export_seconds: float
    steps_redone: int  # lost with machines or workers, and taken once more
    restarts: int  # groups of workers after the first one
    preemptions: int  # of these restarts: to make room before a machine went


def train(job: TrainJob, placement: TrainPlacement, tell: Callable[[Beat], None] = lambda beat: None) -> TrainOutcome:
    """Runs `job` on an initialised Ray and waits for it, telling how far it is now and then.

    Continues from the newest complete checkpoint in `job.progress`. ValueError for a user's mistake (found here or in
    a worker), TrainingFailed for anything else.
    """
    with told(job.progress, tell):
        sizes = group_sizes(job.settings.global_batch, placement.workers, placement.min_workers, placement.micro_batch)
        outcome = launch(_enter, {"job": job, "placement": placement}, job.progress, placement, sizes)
    if "mistake" in outcome:
        raise ValueError(outcome["mistake"])
    return TrainOutcome.model_validate(outcome)


def _enter(config: dict[str, Any]) -> dict[str, Any] | Drained:
    """A worker's first function: what must be set before torch and DeepSpeed are imported."""
    placement: TrainPlacement = config["placement"]
    os.environ["DS_ACCELERATOR"] = "cuda" if placement.gpus else "cpu"
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    logging.getLogger("DeepSpeed").setLevel(logging.WARNING)
    from fsa_ray.training.loop import work

    return work(config["job"], placement)

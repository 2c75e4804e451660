"""Launches Ray Train: a group of workers that run one function and are restarted together when one dies.

Ray is imported where it is used: a plan reads the placement too.
"""

import os
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from fsa_ray.storage.folder import Folder


class TrainingFailed(Exception):
    """Training stopped for a reason that the spec is not to blame for. What was checkpointed stays."""


class TrainPlacement(BaseModel):
    """Section `train`: where a model is trained. Nothing here changes the result beyond rounding, but for the masks of
    a model with dropout, which each worker draws for its own rows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    workers: int = Field(default=1, ge=1)
    gpus: bool = False  # one for each worker
    threads_per_worker: int = Field(default=1, ge=1)  # and logical CPUs that it reserves
    micro_batch: int = Field(default=1, ge=1)  # packed rows at a time in each worker
    zero_stage: int = Field(default=2, ge=0, le=3)
    attention: str | None = None  # sdpa, flash_attention_2, eager; None: what transformers prefers for the model
    gradient_checkpointing: bool = False
    keep_checkpoints: int = Field(default=2, ge=1)
    keep_gib: float | None = Field(default=None, gt=0)  # of checkpoints together; the newest is kept whatever its size
    max_failures: int = Field(default=2, ge=0)  # restarts after a worker's death
    autoscaling: bool = False  # whether the cluster can grow nodes that it does not have now
    start_timeout_s: float = Field(default=300.0, gt=0)  # until all workers run, nodes included


def launch(
    worker: Callable[[dict[str, Any]], Any], config: dict[str, Any], progress: Folder, placement: TrainPlacement
) -> Any:
    """Runs `worker(config)` in each worker of a group and returns rank 0's value. Checkpoints go to `progress`.

    Ray must be initialised. Workers find torch.distributed's variables in their environment. ValueError when the
    cluster cannot hold the workers; TrainingFailed when they do not start within `start_timeout_s`, or when workers
    die more than `max_failures` times.
    """
    _require_room(placement)
    _tune_ray_train(placement)
    from fsa_ray.engine.train_group import fit

    return fit(worker, config, PurePosixPath(progress.path), progress.arrow(), placement)


def resources_of(placement: TrainPlacement) -> dict[str, float]:
    """What each worker reserves."""
    return {"CPU": float(placement.threads_per_worker), **({"GPU": 1.0} if placement.gpus else {})}


def _require_room(placement: TrainPlacement) -> None:
    from fsa_ray.engine.room import require_room

    try:
        require_room(
            "train",
            placement.workers,
            resources_of(placement),
            growth="train.autoscaling",
            grows=placement.autoscaling,
            timeout_s=placement.start_timeout_s,
        )
    except TimeoutError as error:
        raise TrainingFailed(str(error)) from error


def _tune_ray_train(placement: TrainPlacement) -> None:
    """Ray Train takes these from the environment only."""
    import ray

    os.environ["RAY_TRAIN_WORKER_GROUP_START_TIMEOUT_S"] = str(placement.start_timeout_s)
    os.environ["RAY_TRAIN_HEALTH_CHECK_INTERVAL_S"] = "0.5"
    # On one node nobody is warned of preemption, and the watcher costs a process.
    os.environ["RAY_TRAIN_ENABLE_PREEMPTION_WATCHER"] = str(int(len(ray.nodes()) > 1 or placement.autoscaling))

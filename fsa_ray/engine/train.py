"""Launches Ray Train: a group of workers that run one function and are restarted together when one dies."""

import os
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any

import ray
from pydantic import BaseModel, ConfigDict, Field

from fsa_ray.storage.folder import Folder


class TrainingFailed(Exception):
    """Training stopped for a reason that is not the spec's fault; what is checkpointed stays."""


class TrainPlacement(BaseModel):
    """Where a model is trained. Nothing here changes the result beyond rounding."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    workers: int = Field(1, ge=1)
    gpus: bool = False  # one a worker
    cpus_per_worker: int = Field(1, ge=1)  # threads, and Ray's logical CPUs
    micro_batch: int = Field(1, ge=1)  # packed rows at a time in each worker
    zero_stage: int = Field(2, ge=0, le=3)
    attention: str = "sdpa"  # sdpa, or flash_attention_2 where it is installed
    gradient_checkpointing: bool = False
    keep_checkpoints: int = Field(2, ge=1)
    max_failures: int = Field(2, ge=0)  # restarts of the group after a worker's death
    start_timeout_s: float = Field(120, gt=0)  # for the workers' resources; longer where nodes must be started


def launch(
    worker: Callable[[dict[str, Any]], Any], config: dict[str, Any], progress: Folder, placement: TrainPlacement
) -> Any:
    """Runs `worker(config)` in every worker of a group and returns rank 0's value. Checkpoints go to `progress`.

    Ray must be initialised. TrainingFailed when the resources do not come within `start_timeout_s`, or when workers
    die more often than `max_failures` times.
    """
    os.environ["RAY_TRAIN_WORKER_GROUP_START_TIMEOUT_S"] = str(placement.start_timeout_s)
    os.environ["RAY_TRAIN_HEALTH_CHECK_INTERVAL_S"] = "0.2"
    from ray.train import CheckpointConfig, FailureConfig, RunConfig, ScalingConfig
    from ray.train.torch import TorchTrainer
    from ray.train.v2.api.exceptions import TrainingFailedError

    resources = {"CPU": placement.cpus_per_worker} | ({"GPU": 1} if placement.gpus else {})
    where = PurePosixPath(progress.path)
    trainer = TorchTrainer(
        worker,
        train_loop_config=config,
        scaling_config=ScalingConfig(
            num_workers=placement.workers, use_gpu=placement.gpus, resources_per_worker=resources
        ),
        run_config=RunConfig(
            name=where.name,
            storage_path=str(where.parent),
            storage_filesystem=progress.arrow(),
            checkpoint_config=CheckpointConfig(num_to_keep=placement.keep_checkpoints),
            failure_config=FailureConfig(max_failures=placement.max_failures, controller_failure_limit=0),
        ),
    )
    try:
        return trainer.fit().return_value
    except TrainingFailedError as error:
        raise TrainingFailed(f"{_asked(placement)}: {error}") from error


def _asked(placement: TrainPlacement) -> str:
    have = ray.cluster_resources()
    gpus = f" and {placement.workers} GPUs" if placement.gpus else ""
    return (
        f"training on {placement.workers} workers of {placement.cpus_per_worker} CPUs{gpus} failed "
        f"(the cluster has {have.get('CPU', 0):g} CPUs, {have.get('GPU', 0):g} GPUs)"
    )

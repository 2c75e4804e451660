"""Launches Ray Train: a group of workers that run one function, and another group when machines are lost.

Ray is imported where it is used: a plan reads the placement too.
"""

import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from fsa_ray.storage.folder import Folder

log = logging.getLogger(__name__)


class TrainingFailed(Exception):
    """Training stopped for a reason that the spec is not to blame for. What was checkpointed stays."""


class WorkersDied(TrainingFailed):
    """`preempted`: with a machine that was announced to go."""

    def __init__(self, message: str, preempted: bool) -> None:
        super().__init__(message)
        self.preempted = preempted


class WorkersMissing(TrainingFailed):
    """They did not all start in time."""


@dataclass(frozen=True)
class Drained:
    """What a worker returns that left off because one of the group's machines goes: the next group takes over."""

    step: int


class TrainPlacement(BaseModel):
    """Section `train`: where a model is trained.

    Nothing here changes the result beyond rounding, but for the masks of a model with dropout, which each worker draws
    for its own rows.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    workers: int = Field(default=1, ge=1, description="processes that train together")
    min_workers: int | None = Field(
        default=None, ge=1, description="go on with fewer when machines are lost; null: never"
    )
    gpus: bool = Field(default=False, description="one for each worker")
    threads_per_worker: int = Field(
        default=1, ge=1, description="of each worker, and the logical CPUs that it reserves"
    )
    micro_batch: int = Field(default=1, ge=1, description="packed rows at a time in each worker")
    zero_stage: int = Field(
        default=2, ge=0, le=3, description="what the workers share out: moments (1), gradients too (2), weights too (3)"
    )
    attention: str | None = Field(
        default=None, description="sdpa, flash_attention_2, eager; null: what transformers prefers for the model"
    )
    gradient_checkpointing: bool = Field(default=False, description="less memory for more computing")
    keep_checkpoints: int = Field(default=2, ge=1, description="the newest so many stay")
    keep_gib: float | None = Field(
        default=None, gt=0, description="of checkpoints together; the newest is kept whatever its size"
    )
    max_failures: int = Field(
        default=2, ge=0, description="restarts after a worker's death; announced losses do not count"
    )
    autoscaling: bool = Field(default=False, description="whether the cluster can grow nodes that it does not have now")
    start_timeout_s: float = Field(default=300.0, gt=0, description="until all workers run, nodes included")
    more_timeout_s: float = Field(
        default=120.0, ge=0, description="once min_workers fit on a growing cluster: for more of them"
    )

    @model_validator(mode="after")
    def _fewest_first(self) -> Self:
        if self.min_workers is not None and self.min_workers > self.workers:
            raise ValueError(f"min_workers is {self.min_workers}, more than workers, {self.workers}; lower it")
        return self


def launch(
    worker: Callable[[dict[str, Any]], Any],
    config: dict[str, Any],
    progress: Folder,
    placement: TrainPlacement,
    sizes: Sequence[int],
) -> Any:
    """Runs `worker(config)` in each worker of a group and returns rank 0's value. Checkpoints go to `progress`.

    `sizes`: the numbers of workers that a group may have, falling. A group whose workers die is followed by another of
    as many as the machines that are left hold, and so is one that returns Drained, which is no failure. A cluster that
    grows is asked for the most, and once it holds the fewest, more are waited for `more_timeout_s`. Ray must be
    initialised. Workers find torch.distributed's variables in their environment. ValueError when the cluster cannot
    hold the fewest workers; TrainingFailed when they do not start within `start_timeout_s`, or when workers die more
    than `max_failures` times.
    """
    workers = _require_room(placement, sizes)
    _tune_ray_train(placement)
    from fsa_ray.engine.machines import answering, room
    from fsa_ray.engine.train_group import fit

    need, failures = resources_of(placement), 0
    while True:
        try:
            value = fit(worker, config, PurePosixPath(progress.path), progress.arrow(), placement, workers)
            if not isinstance(value, Drained):
                return value
            log.warning("a machine is drained; %d workers left off at step %d", workers, value.step)
        except WorkersDied as error:
            failures += not error.preempted
            if failures > placement.max_failures:
                raise
            told = "an announced loss" if error.preempted else f"failure {failures} of {placement.max_failures} allowed"
            log.warning("%s\n%s: a new group of workers goes on from the last checkpoint", error, told)
        except WorkersMissing:
            fewer = [size for size in sizes if size < workers]
            if not fewer:
                raise
            workers = _fitting(fewer, room(need, answering()))
            continue
        if len(sizes) > 1:
            grows = placement.autoscaling
            workers = _require_room(placement, sizes) if grows else _fitting(sizes, room(need, answering()))


def resources_of(placement: TrainPlacement) -> dict[str, float]:
    """What each worker reserves."""
    return {"CPU": float(placement.threads_per_worker), **({"GPU": 1.0} if placement.gpus else {})}


def _fitting(sizes: Sequence[int], room: int) -> int:
    """The most workers that there is room for; the fewest if there is for none: Ray then waits for machines."""
    return next((size for size in sizes if size <= room), sizes[-1])


def _require_room(placement: TrainPlacement, sizes: Sequence[int]) -> int:
    from fsa_ray.engine.room import require_room

    try:
        return require_room(
            "train",
            sizes,
            resources_of(placement),
            growth="train.autoscaling",
            grows=placement.autoscaling,
            timeout_s=placement.start_timeout_s,
            patience_s=placement.more_timeout_s,
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
    os.environ["RAY_TRAIN_PREEMPTION_POLL_INTERVAL_S"] = "1"  # a notice may leave thirty seconds

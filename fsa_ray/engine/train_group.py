"""Ray Train's trainer, with less to start.

`TorchTrainer` imports torch in the driver and in the controller, which need it for nothing, and starts two processes
of which a single job has no use. This is the same trainer (its base class) without them: on a small machine that is
half of the time until the first step. Apart from `fsa_ray.engine.train` because importing Ray Train takes a second.
"""

import os
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any

import psutil
import ray.train
from pyarrow.fs import FileType
from ray.train._internal.utils import get_address_and_port
from ray.train.backend import Backend, BackendConfig
from ray.train.v2._internal.callbacks import DatasetsCallback
from ray.train.v2._internal.callbacks.placement_group_callback import PlacementGroupCleanerCallback
from ray.train.v2._internal.constants import CHECKPOINT_MANAGER_SNAPSHOT_FILENAME
from ray.train.v2._internal.exceptions import WorkerGroupStartupFailedError, WorkerGroupStartupTimeoutError
from ray.train.v2._internal.execution.callback import RayTrainCallback
from ray.train.v2._internal.execution.failure_handling.default import _is_preemption_failure
from ray.train.v2.api.data_parallel_trainer import DataParallelTrainer
from ray.train.v2.api.exceptions import ControllerError, TrainingFailedError, WorkerGroupError

from fsa_ray.engine.train import TrainingFailed, TrainPlacement, WorkersDied, WorkersMissing, resources_of


def fit(
    worker: Callable[[dict[str, Any]], Any],
    config: dict[str, Any],
    path: PurePosixPath,
    filesystem: Any,
    placement: TrainPlacement,
    workers: int,
) -> Any:
    """One group of workers, see `launch`; `path` on `filesystem` is where Ray Train keeps checkpoints and its list of
    them. Raises WorkersDied or WorkersMissing where another group may help, else TrainingFailed."""
    _forget(filesystem, f"{path}/{CHECKPOINT_MANAGER_SNAPSHOT_FILENAME}")
    trainer = _Trainer(
        worker,
        train_loop_config=config,
        backend_config=_Rendezvous(),
        scaling_config=ray.train.ScalingConfig(
            num_workers=workers, use_gpu=placement.gpus, resources_per_worker=resources_of(placement)
        ),
        run_config=ray.train.RunConfig(
            name=path.name,
            storage_path=str(path.parent),
            storage_filesystem=filesystem,
            # Who follows a lost group is our decision: Ray Train would take the same number of workers, or any.
            failure_config=ray.train.FailureConfig(
                max_failures=0, controller_failure_limit=0, max_preemption_failures=0
            ),
            logging_config=ray.train.LoggingConfig(log_level="ERROR"),
        ),
    )
    try:
        return trainer.fit().return_value
    except TrainingFailedError as error:
        asked = f"{workers} workers of {resources_of(placement)}"
        raise _failure(
            error,
            f"training on {asked} stopped: {error}\n(start_timeout_s is {placement.start_timeout_s:g}, "
            f"max_failures {placement.max_failures}; free now: {ray.available_resources()})",
        ) from error


def _failure(error: TrainingFailedError, message: str) -> TrainingFailed:
    cause = error.controller_failure if isinstance(error, ControllerError) else None
    if isinstance(cause, WorkerGroupStartupTimeoutError):
        return WorkersMissing(message)
    preempted = _is_preemption_failure(error)
    if preempted or isinstance(error, WorkerGroupError) or isinstance(cause, WorkerGroupStartupFailedError):
        return WorkersDied(message, preempted)
    return TrainingFailed(message)


def _forget(filesystem: Any, snapshot: str) -> None:
    """Ray Train's list of checkpoints is rewritten in place: a kill can tear it, and then no run starts any more. The
    workers look for the newest complete checkpoint themselves."""
    if filesystem.get_file_info(snapshot).type != FileType.NotFound:
        filesystem.delete_file(snapshot)


class _Trainer(DataParallelTrainer):  # type: ignore[misc]
    def _create_default_callbacks(self) -> list[RayTrainCallback]:
        """Without two that start a process each: the cleaner frees the resources of a crashed controller, and ours go
        with the driver; the data sets are Ray Data's, and we read rows by number."""
        unwanted = (PlacementGroupCleanerCallback, DatasetsCallback)
        return [callback for callback in super()._create_default_callbacks() if not isinstance(callback, unwanted)]

    def _register_sigint_handler(self, controller: Any) -> None:
        """Ctrl-C stays the driver's: Ray Train would keep the handler after training too."""


class _Environment(Backend):  # type: ignore[misc]
    """Tells the workers where to meet; they start torch.distributed themselves."""

    share_cuda_visible_devices = True

    def on_start(self, worker_group: Any, backend_config: BackendConfig) -> None:
        address, port = worker_group.execute_single(0, get_address_and_port)
        worker_group.execute(_set_environment, address=address, port=port)


class _Rendezvous(BackendConfig):  # type: ignore[misc]
    @property
    def backend_cls(self) -> type[Backend]:
        return _Environment


def _set_environment(address: str, port: int) -> None:
    context = ray.train.get_context()
    os.environ |= {
        "MASTER_ADDR": address,
        "MASTER_PORT": str(port),
        "RANK": str(context.get_world_rank()),
        "LOCAL_RANK": str(context.get_local_rank()),
        "WORLD_SIZE": str(context.get_world_size()),
        "LOCAL_WORLD_SIZE": str(context.get_local_world_size()),
        "NODE_RANK": str(context.get_node_rank()),
    }
    interface = interface_of(ray.util.get_node_ip_address())
    if interface is not None:
        for library in ("GLOO", "NCCL"):
            os.environ.setdefault(f"{library}_SOCKET_IFNAME", interface)


def interface_of(address: str) -> str | None:
    """The network interface that has this address. Left alone, Gloo takes that of the host's name, which is loopback on
    many machines, where no other machine finds it."""
    found = psutil.net_if_addrs().items()
    return next((name for name, given in found if any(one.address == address for one in given)), None)

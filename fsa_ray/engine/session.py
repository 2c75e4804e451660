"""One Ray per run, and one engine per model, shared by all stages that ask it."""

import logging
import os
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ray

from fsa_ray.engine.application import EngineFailed, ModelSettings, app_name, deploy, resources_of, stop
from fsa_ray.engine.placement import EnginePlacement, RayPlacement
from fsa_ray.engine.processes import end, of_own_ray
from fsa_ray.engine.room import require_room
from fsa_ray.engine.strangers import lets_strangers_in

__all__ = ["Engine", "ModelSettings", "Session"]

_LOCAL_RAY = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_prestart_worker_first_driver": "0",  # idle workers, at a second of CPU each
    "RAY_worker_niceness": "0",  # by default any other program of the machine goes before the engine
    "RAY_task_events_report_interval_ms": "0",
    "RAY_SERVE_CONTROL_LOOP_INTERVAL_S": "0.5",
}


@dataclass(frozen=True)
class Engine:
    """A running engine: how to reach it."""

    app: str
    settings: ModelSettings
    placement: EnginePlacement


@dataclass
class Session:
    """Starts Ray when something first needs it. Use as a context manager, once per process."""

    ray_placement: RayPlacement = field(default_factory=RayPlacement)
    engine_starts: int = 0
    _engines: dict[str, Engine] = field(default_factory=dict)
    _owns_ray: bool = False

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start_ray(self) -> None:
        """Start or join Ray, quietly; nothing happens if this process has it already."""
        if ray.is_initialized():
            return
        for name, value in _LOCAL_RAY.items():
            os.environ.setdefault(name, value)
        placement = self.ray_placement
        if placement.metrics_port is not None:
            os.environ.update(RAY_enable_metrics_collection="1")  # a run that started us may have switched it off
        elif placement.address == "local":
            os.environ.setdefault("RAY_enable_metrics_collection", "0")  # nobody scrapes them, and two cores feel it
        _refuse_open(placement)
        own: dict[str, Any] = {
            "num_cpus": placement.logical_cpus,
            "object_store_memory": placement.object_store_mib << 20,
            "include_dashboard": False,
            "_metrics_export_port": placement.metrics_port,
        }
        ray.init(
            address=placement.address,
            log_to_driver=False,
            logging_level=logging.ERROR,
            **(own if placement.address == "local" else {}),
        )
        self._owns_ray = True
        _hush()

    def engine(
        self, settings: ModelSettings, placement: EnginePlacement, directory: os.PathLike[str] | None = None
    ) -> Engine:
        """The engine of this model, started if it does not run yet. `directory`: where a replica finds the model on its
        own machine, if that is not the path in the settings.

        Raises ValueError if the model or the resources do not exist, EngineFailed with vLLM's cause if it does not
        start within `start_timeout_s`.
        """
        name = app_name(settings, placement)
        if name not in self._engines:
            _refuse_missing_model(settings)
            self.start_ray()
            self.require_room("engine", placement.replicas, resources_of(placement), placement.start_timeout_s)
            self.engine_starts += 1
            deploy(name, settings, placement, directory)
            self._engines[name] = Engine(name, settings, placement)
        return self._engines[name]

    def release(self, models: Iterable[str] | None = None) -> None:
        """Stop the engines of these models (directories or hub ids; None: of all) and wait until they are gone."""
        chosen = None if models is None else set(models)
        for name, engine in list(self._engines.items()):
            if chosen is None or engine.settings.model in chosen:
                del self._engines[name]
                stop(name)

    def close(self) -> None:
        """Stop what this session started."""
        self.release()
        if self._owns_ray and ray.is_initialized():
            started = of_own_ray()
            try:
                ray.shutdown()
            finally:
                end(started)
        self._owns_ray = False

    def require_room(self, section: str, number: int, need: dict[str, float], timeout_s: float) -> None:
        """Returns when there is room for `number` times `need`, as `section` of the placement asks. ValueError if it
        never comes, EngineFailed if not within `timeout_s`."""
        grows = self.ray_placement.autoscaling
        try:
            require_room(section, [number], need, growth="ray.autoscaling", grows=grows, timeout_s=timeout_s)
        except TimeoutError as error:
            raise EngineFailed(str(error)) from error


def _refuse_missing_model(settings: ModelSettings) -> None:
    looks_local = settings.model.startswith((".", "/", "~"))
    if looks_local and not (Path(settings.model) / "config.json").is_file():
        raise ValueError(f"{settings.model}: not a model directory (it has no config.json)")


def _hush() -> None:
    """Ray's own messages stay in its log files; only errors reach the terminal, and nothing stdout."""
    from ray._private import worker

    worker._worker_logs_enabled = False  # raylet warnings would go to stdout
    for name in ("ray", "ray.serve", "ray.data"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", "The minimum number of concurrent actors")  # a few units are no mistake
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    context.memory_usage_poll_interval_s = None  # for statistics that nobody reads


def _refuse_open(placement: RayPlacement) -> None:
    """A Ray of our own demands a token by itself; one that was started elsewhere does so only if it was told to."""
    if placement.address == "local" or placement.open:
        return
    is_open = lets_strangers_in(placement.address)
    if is_open or (is_open is None and os.environ.get("RAY_AUTH_MODE") != "token"):
        found = "answers without a token" if is_open else "does not tell whether it answers without a token"
        raise ValueError(
            f"ray.address: {placement.address}: this Ray {found}: whoever reaches such a Ray runs code on it; start "
            "it, and this, with RAY_AUTH_MODE=token, or set `open: true` in the placement's section `ray`"
        )

"""An engine as a Ray Serve application: its settings, start, state and end."""

import hashlib
import json
import os
import re
import time
from typing import Any
from uuid import uuid4

import psutil
import ray
from pydantic import BaseModel, ConfigDict
from ray import serve
from ray.serve.schema import ApplicationStatus

from fsa_ray.engine.placement import EnginePlacement
from fsa_ray.engine.serving import EngineServer

DEPLOYMENT = "engine"
_RUN = uuid4().hex[:8]  # drivers on one cluster have engines of their own
_START_TRIES = 1
_POLL_SECONDS = 0.2
_RELEASE_SECONDS = 60.0
_CAUSE = re.compile(r"[\w.]+(Error|Exception)\b.*")
_LONGEST = 2000


class EngineFailed(Exception):
    """An engine could not start, or died and did not come back."""


class ModelSettings(BaseModel):
    """Which model, and what of its engine changes answers. `model`: a directory, or a hub id with a revision."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    revision: str | None = None
    dtype: str = "bfloat16"
    max_model_len: int = 2048  # tokens, prompt and answer
    seed: int = 0
    trust_remote_code: bool = False


def app_name(settings: ModelSettings, placement: EnginePlacement) -> str:
    text = json.dumps([settings.model_dump(), placement.model_dump()], sort_keys=True)
    return f"fsa-ray-{_RUN}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def deploy(
    name: str, settings: ModelSettings, placement: EnginePlacement, directory: os.PathLike[str] | None = None
) -> None:
    serve.start(proxy_location="Disabled")
    resources = resources_of(placement)
    deployment = serve.deployment(
        name=DEPLOYMENT,
        num_replicas=placement.replicas,
        max_ongoing_requests=placement.units_in_flight,
        max_constructor_retry_count=_START_TRIES,
        health_check_period_s=2.0,
        health_check_timeout_s=120.0,  # a busy machine answers late; a dead process is noticed at once
        graceful_shutdown_wait_loop_s=0.1,
        graceful_shutdown_timeout_s=5.0,
        ray_actor_options={
            "num_cpus": resources["CPU"],
            "num_gpus": resources.get("GPU", 0),
            "runtime_env": {"env_vars": environment_of(placement)},
        },
    )(EngineServer)
    job = ray.get_runtime_context().get_job_id()
    bound = deployment.bind(arguments_of(settings, placement), name, job, directory)
    target = serve.RunTarget(target=bound, name=name, route_prefix=None)
    serve.run_many([target], wait_for_ingress_deployment_creation=False, wait_for_applications_running=False)
    _wait_until_running(name, placement)


def _wait_until_running(name: str, placement: EnginePlacement) -> None:
    deadline = time.monotonic() + placement.start_timeout_s
    while True:
        status, message = app_status(name)
        if status == ApplicationStatus.RUNNING:
            return
        if status in (ApplicationStatus.DEPLOY_FAILED, ApplicationStatus.UNHEALTHY):
            stop(name)
            raise EngineFailed(f"the engine did not start: {cause_of(message)}")
        if time.monotonic() > deadline:
            stop(name)
            raise EngineFailed(
                f"the engine did not start within {placement.start_timeout_s:g} s (engine.start_timeout_s); "
                f"the last that Serve said was: {status}: {message or 'nothing'}; free now: "
                f"{ray.available_resources()}"
            )
        time.sleep(_POLL_SECONDS)


def app_status(name: str) -> tuple[ApplicationStatus, str]:
    """Serve's word on an application, with the causes of its deployments."""
    app = serve.status().applications.get(name)
    if app is None:
        return ApplicationStatus.NOT_STARTED, ""
    causes = [app.message, *(deployment.message for deployment in app.deployments.values())]
    return app.status, "\n".join(dict.fromkeys(cause for cause in causes if cause))


def cause_of(told: str) -> str:
    """The innermost cause in a remote traceback, or all that was told."""
    lines = told.strip().splitlines()
    starts = [
        number for number, line in enumerate(lines) if _CAUSE.match(line) and not line.startswith("ray.exceptions.")
    ]
    return "\n".join(lines[starts[-1] :] if starts else lines)[:_LONGEST]


def stop(name: str) -> None:
    """Delete the application and wait for the processes of its replicas on this host."""
    pids = replica_pids(name)
    serve.delete(name, _blocking=True)
    deadline = time.monotonic() + _RELEASE_SECONDS
    while any(psutil.pid_exists(pid) for pid in pids):
        if time.monotonic() > deadline:
            raise EngineFailed(f"engine processes {pids} did not end within {_RELEASE_SECONDS:g} s of their release")
        time.sleep(_POLL_SECONDS)


def replica_pids(name: str) -> list[int]:
    """Processes of the application's replicas on this host."""
    here = ray.get_runtime_context().get_node_id()
    details = serve.context._get_global_client().get_serve_details()
    app = details.get("applications", {}).get(name, {})
    return [
        replica["pid"]
        for deployment in app.get("deployments", {}).values()
        for replica in deployment.get("replicas", [])
        if replica.get("node_id") == here and replica.get("pid")
    ]


def arguments_of(settings: ModelSettings, placement: EnginePlacement) -> dict[str, Any]:
    arguments = {**settings.model_dump(), "max_num_seqs": placement.max_num_seqs, "disable_log_stats": True}
    if settings.revision is not None:
        arguments["tokenizer_revision"] = settings.revision
    if placement.device == "cpu":
        return {**arguments, "enforce_eager": True}
    return {
        **arguments,
        "tensor_parallel_size": placement.gpus,
        "gpu_memory_utilization": placement.gpu_memory_utilization,
    }


def environment_of(placement: EnginePlacement) -> dict[str, str]:
    quiet = {"VLLM_LOGGING_LEVEL": "WARNING", "VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1"}
    if placement.device == "gpu":
        return quiet
    threads = placement.threads or len(os.sched_getaffinity(0))
    return {
        **quiet,
        "VLLM_ENABLE_V1_MULTIPROCESSING": "0",  # see fsa_ray.engine.serving
        "VLLM_CPU_KVCACHE_SPACE": str(placement.kv_cache_gib),
        "OMP_NUM_THREADS": str(threads),
    }


def resources_of(placement: EnginePlacement) -> dict[str, float]:
    gpus = {"GPU": float(placement.gpus)} if placement.device == "gpu" else {}
    return {"CPU": placement.cpus, **gpus}

"""Whether a cluster has, or can grow, what a stage asks for."""

import time
from typing import Any

import ray
from ray._raylet import GcsClient  # type: ignore[attr-defined]
from ray.core.generated.autoscaler_pb2 import GetClusterStatusReply
from ray.util.placement_group import placement_group, remove_placement_group

from fsa_ray.engine.machines import held, room

HOPELESS_SECONDS = 20.0
"""How long the autoscaler must say that no kind of node will do: at first it may not know all that is there."""
_POLL_SECONDS = 1.0

Need = dict[str, float]


def require_room(section: str, number: int, need: Need, *, growth: str, grows: bool, timeout_s: float) -> None:
    """Returns when there is room for `number` times `need`, each on one node. For the errors: the `section` of the
    placement that asks, and its key for `growth`.

    ValueError if it never comes: what no node has now, or, if the cluster `grows`, what no kind of node can satisfy.
    TimeoutError if it does not come within `timeout_s`.
    """
    asked = f"section `{section}` of the placement asks for {number} x ({_listed(need)}), each on one node"
    if grows:
        _wait(asked, number, need, timeout_s)
        return
    found = room(need)
    if found < number:
        have = _listed({name: held(name) for name in need})
        raise ValueError(
            f"{asked}; this Ray has {have} and room for {found}. Lower it, or set "
            f"`{growth}: true` if the cluster can grow"
        )


def _wait(asked: str, number: int, need: Need, timeout_s: float) -> None:
    """Reserves the room, which makes the cluster grow, and lets go of it once it is there."""
    reserved = placement_group([need] * number)
    try:
        deadline, hopeless_since = time.monotonic() + timeout_s, None
        while not reserved.wait(_POLL_SECONDS):
            now = time.monotonic()
            hopeless_since = (hopeless_since or now) if need in hopeless() else None
            if hopeless_since is not None and now - hopeless_since > HOPELESS_SECONDS:
                raise ValueError(f"{asked}; the autoscaler says that no kind of node it may start has that. Lower it")
            if now > deadline:
                raise TimeoutError(
                    f"{asked}; start_timeout_s is {timeout_s:g} s and that did not come. "
                    f"Free now: {_listed(ray.available_resources())}"
                )
    finally:
        remove_placement_group(reserved)


def hopeless() -> list[Need]:
    """What is asked for and, so the autoscaler, no kind of node that it may start can satisfy. Empty without one."""
    reply = GetClusterStatusReply()
    reply.ParseFromString(GcsClient(ray.get_runtime_context().gcs_address).get_cluster_status(timeout_s=10))
    return hopeless_in(reply)


def hopeless_in(reply: Any) -> list[Need]:
    """Of a GetClusterStatusReply."""
    state = reply.autoscaling_state
    single = [request.resources_bundle for request in state.infeasible_resource_requests]
    together = [
        bundle.resources_bundle
        for gang in state.infeasible_gang_resource_requests
        for bundle in [
            *gang.requests,
            *(one for selector in gang.bundle_selectors for one in selector.resource_requests),
        ]
    ]
    return [dict(bundle) for bundle in (*single, *together)]


def _listed(amounts: Need) -> str:
    return ", ".join(f"{amount:g} {name}" for name, amount in amounts.items() if not name.startswith("node:"))

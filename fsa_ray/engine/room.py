"""Whether a cluster has, or can grow, what a stage asks for."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import ray
from ray._raylet import GcsClient  # type: ignore[attr-defined]
from ray.core.generated.autoscaler_pb2 import GetClusterStatusReply
from ray.util.placement_group import placement_group, remove_placement_group

from fsa_ray.engine.machines import free, held, room

HOPELESS_SECONDS = 20.0
"""How long the autoscaler must say that no kind of node will do: at first it may not know all that is there."""
_POLL_SECONDS = 1.0

Need = dict[str, float]


def require_room(
    section: str,
    numbers: Sequence[int],
    need: Need,
    *,
    growth: str,
    grows: bool,
    timeout_s: float,
    patience_s: float = 0.0,
) -> int:
    """Which of `numbers`, falling, there is room for: so many times `need`, each on one node. If the cluster `grows`,
    it is made to grow for the first of them; once the last fits, others are waited for no longer than `patience_s`.
    For the errors: the `section` of the placement that asks, and its key for `growth`.

    ValueError if there is never room for the last: what no node has now, or, if the cluster `grows`, what no kind of
    node can satisfy. TimeoutError if it does not come within `timeout_s`.
    """
    asked = f"section `{section}` of the placement asks for {numbers[-1]} x ({_listed(need)}), each on one node"
    if grows:
        return _wait(asked, numbers, need, timeout_s, patience_s)
    found = room(need)
    if found < numbers[-1]:
        have = _listed({name: held(name) for name in need})
        raise ValueError(
            f"{asked}; this Ray has {have} and room for {found}. Lower it, or set "
            f"`{growth}: true` if the cluster can grow"
        )
    return next(number for number in numbers if number <= found)


@dataclass
class Choice:
    """How many to begin with while a cluster grows: all that were asked for, or after a while what is there."""

    numbers: Sequence[int]  # falling
    patience_s: float
    _since: float | None = None

    def among(self, found: int, now: float) -> int | None:
        """With room for `found` at `now` (seconds of a steady clock); None: go on waiting."""
        number = next((number for number in self.numbers if number <= found), None)
        if number is None:
            self._since = None
        elif self._since is None:
            self._since = now
        waited = self._since is not None and now - self._since >= self.patience_s
        return number if number == self.numbers[0] or waited else None


def _wait(asked: str, numbers: Sequence[int], need: Need, timeout_s: float, patience_s: float) -> int:
    deadline = time.monotonic() + timeout_s
    for position in range(len(numbers)):
        try:
            number = _reserved(numbers[position:], need, deadline, patience_s)
        except TimeoutError as error:
            raise TimeoutError(
                f"{asked}; start_timeout_s is {timeout_s:g} s and that did not come. "
                f"Free now: {_listed(ray.available_resources())}"
            ) from error
        if number is not None:
            return number
    raise ValueError(f"{asked}; the autoscaler says that no kind of node it may start has that. Lower it")


def _reserved(numbers: Sequence[int], need: Need, deadline: float, patience_s: float) -> int | None:
    """Reserves room for the first, which makes the cluster grow, and lets go of it once that or a later one is there.
    None if the autoscaler cannot grow so much."""
    choice, reserved = Choice(numbers, patience_s), placement_group([need] * numbers[0])
    try:
        hopeless_since = None
        while True:
            all_there, now = reserved.wait(_POLL_SECONDS), time.monotonic()
            number = choice.among(numbers[0] if all_there else min(free(need), numbers[0] - 1), now)
            if number is not None:
                return number
            hopeless_since = (hopeless_since or now) if need in hopeless() else None
            if hopeless_since is not None and now - hopeless_since > HOPELESS_SECONDS:
                return None
            if now > deadline:
                raise TimeoutError
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

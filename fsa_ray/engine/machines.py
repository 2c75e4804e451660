"""The machines of the Ray that this process is part of: which are left, and for how many workers they have room."""

from collections.abc import Collection, Mapping
from typing import Any

import ray
from ray._private import state
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

_ROUNDING = 1e-6  # ten times 0.1 GPU are one
_ANSWER_SECONDS = 20.0  # a busy machine starts a process slowly


def room(need: Mapping[str, float], among: Collection[str] | None = None) -> int:
    """How many workers that each need these resources fit on the machines (or those with ids `among` them), whatever
    else runs there."""
    return sum(_fit(node["Resources"], need) for node in _left() if among is None or node["NodeID"] in among)


def free(need: Mapping[str, float]) -> int:
    """How many of them fit on the machines beside what runs there."""
    unused = state.available_resources_per_node()
    return sum(_fit(unused.get(node["NodeID"], {}), need) for node in _left())


def _fit(resources: Mapping[str, float], need: Mapping[str, float]) -> int:
    return int(min(resources.get(name, 0.0) / amount + _ROUNDING for name, amount in need.items()))


def held(resource: str) -> float:
    """How much of a resource the machines have."""
    return sum(float(node["Resources"].get(resource, 0.0)) for node in _left())


def answering() -> set[str]:
    """Ids of the machines that still start a process when asked: Ray takes half a minute to miss one that vanished."""
    asked = {}
    for node in _left():
        where = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
        asked[_answer.options(scheduling_strategy=where).remote()] = node["NodeID"]
    done, silent = ray.wait(list(asked), num_returns=len(asked), timeout=_ANSWER_SECONDS)
    for reference in silent:
        ray.cancel(reference, force=True)
    return {asked[reference] for reference in done if _is_answer(reference)}


def _left() -> list[dict[str, Any]]:
    """Alive, as far as Ray knows, and not told to go."""
    draining = state.state.get_draining_nodes()
    return [node for node in ray.nodes() if node["Alive"] and node["NodeID"] not in draining]


@ray.remote(num_cpus=0, max_retries=0)  # type: ignore[untyped-decorator]
def _answer() -> None: ...


def _is_answer(reference: Any) -> bool:
    try:
        ray.get(reference)
    except ray.exceptions.RayError:
        return False
    return True

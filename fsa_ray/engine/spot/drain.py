"""The Ray nodes of this machine, and their drain.

The calls are those of `ray drain-node`, which has no stable interface either: in this process they take no second
interpreter to start while a machine is dying, and unlike a driver they hold no job, worker or resource.
"""

import logging
import time
from collections.abc import Iterable

import ray.util
from ray._private.services import canonicalize_bootstrap_address_or_die
from ray._raylet import GcsClient  # type: ignore[attr-defined]
from ray.core.generated import autoscaler_pb2, gcs_pb2
from ray.exceptions import RayError

from fsa_ray.engine.spot.notice import Notice
from fsa_ray.engine.spot.watcher import NotDrained

_TIMEOUT_S = 10.0

log = logging.getLogger(__name__)


class Machine:
    """`address`: of the cluster, None finds that of this machine's `ray start`. `ip`: this machine's, for Ray."""

    def __init__(self, address: str | None = None, ip: str | None = None) -> None:
        self._address, self._ip = address, ip

    def nodes(self) -> list[str]:
        """Ids of the Ray nodes that live here: looked up each time, as a restarted node has another one.

        Raises NotDrained if Ray does not answer or has no node here.
        """
        _, ids = self._look()
        return ids

    def drain(self, notice: Notice) -> None:
        """Tell Ray that this machine ends. Raises NotDrained if it does not take that."""
        drain_nodes(*self._look(), notice)

    def _look(self) -> tuple[GcsClient, list[str]]:
        try:
            address = canonicalize_bootstrap_address_or_die(self._address)
            gcs = GcsClient(address=address)
            alive = gcs.get_all_node_info(timeout=_TIMEOUT_S, state_filter=gcs_pb2.GcsNodeInfo.GcsNodeState.ALIVE)
        except (RayError, ConnectionError) as error:
            raise NotDrained(f"Ray does not answer: {error}") from None
        ip = self._ip or ray.util.get_node_ip_address(address)
        ids = [node.hex() for node, info in alive.items() if info.node_manager_address == ip]
        if not ids:
            known = ", ".join(sorted({info.node_manager_address for info in alive.values()}))
            raise NotDrained(f"no Ray node has this machine's address {ip} (there are: {known})")
        return gcs, ids


def drain_nodes(gcs: GcsClient, nodes: Iterable[str], notice: Notice) -> None:
    """Tell Ray that these nodes end. Raises NotDrained if it does not take that."""
    deadline = max(notice.ends_at, time.time() + 1)  # Ray takes none that has passed
    for node in nodes:
        try:
            taken, why = gcs.drain_node(
                node,  # in hex: for bytes Ray says yes and drains nothing
                autoscaler_pb2.DrainNodeReason.DRAIN_NODE_REASON_PREEMPTION,
                notice.what,
                int(deadline * 1000),
                timeout=_TIMEOUT_S,
            )
        except RayError as error:
            raise NotDrained(f"Ray did not take the drain of node {node}: {error}") from None
        if not taken:
            raise NotDrained(f"Ray refuses to drain node {node}: {why}")
        log.warning("node %s drains, %.0f s left", node, deadline - time.time())

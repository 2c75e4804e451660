"""Whether a Ray lets in who has no token."""

import grpc  # type: ignore[import-untyped]
from ray._private.services import canonicalize_bootstrap_address_or_die
from ray.core.generated.gcs_service_pb2 import CheckAliveRequest
from ray.core.generated.gcs_service_pb2_grpc import NodeInfoGcsServiceStub

_SECONDS = 20.0


def lets_strangers_in(address: str) -> bool:
    """Asks the Ray at `address` (host:port or auto) as somebody without a token. False too where nobody answers that
    way, as behind TLS. ConnectionError if `auto` finds no Ray."""
    with grpc.insecure_channel(canonicalize_bootstrap_address_or_die(address)) as channel:
        try:
            NodeInfoGcsServiceStub(channel).CheckAlive(CheckAliveRequest(), timeout=_SECONDS)
        except grpc.RpcError:
            return False
    return True

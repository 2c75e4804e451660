"""Whether a Ray lets in who has no token."""

import grpc  # type: ignore[import-untyped]
from ray._private.services import canonicalize_bootstrap_address_or_die
from ray.core.generated.gcs_service_pb2 import CheckAliveRequest
from ray.core.generated.gcs_service_pb2_grpc import NodeInfoGcsServiceStub

_SECONDS = 20.0
_DIRECTLY = [("grpc.enable_http_proxy", 0)]  # as Ray itself
_REFUSALS = {grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED}


def lets_strangers_in(address: str) -> bool | None:
    """Asks the Ray at `address` (host:port or auto) as somebody without a token. None where that cannot be told: nobody
    answers in time or that way, as behind TLS. ConnectionError if `auto` finds no Ray."""
    with grpc.insecure_channel(canonicalize_bootstrap_address_or_die(address), _DIRECTLY) as channel:
        try:
            NodeInfoGcsServiceStub(channel).CheckAlive(CheckAliveRequest(), timeout=_SECONDS)
        except grpc.RpcError as error:
            return False if error.code() in _REFUSALS else None
    return True

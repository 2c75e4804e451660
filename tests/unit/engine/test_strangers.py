"""Joining a Ray: one that answers who has no token is refused."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc
import pytest
import ray
from ray.core.generated.gcs_service_pb2 import CheckAliveReply
from ray.core.generated.gcs_service_pb2_grpc import (
    NodeInfoGcsServiceServicer,
    add_NodeInfoGcsServiceServicer_to_server,
)
from ray.util import get_node_ip_address

from fsa_ray.engine.placement import RayPlacement
from fsa_ray.engine.session import Session
from fsa_ray.engine.strangers import lets_strangers_in


class Head(NodeInfoGcsServiceServicer):
    """Of a Ray that demands a token, or does not."""

    def __init__(self, demands: bool) -> None:
        self._demands = demands

    def CheckAlive(self, request: Any, context: Any) -> Any:
        if self._demands and not dict(context.invocation_metadata()).get("authorization"):
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "InvalidAuthToken")
        return CheckAliveReply()


@contextmanager
def head(demands: bool) -> Iterator[str]:
    server = grpc.server(ThreadPoolExecutor(1))
    add_NodeInfoGcsServiceServicer_to_server(Head(demands), server)
    port = server.add_insecure_port("0.0.0.0:0")
    server.start()
    try:
        yield f"{get_node_ip_address()}:{port}"
    finally:
        server.stop(None).wait()


def test_a_ray_that_answers_anybody_is_not_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_AUTH_MODE", "token")  # which says nothing of the other side
    monkeypatch.setenv("RAY_AUTH_TOKEN", "0123456789abcdef")
    monkeypatch.setattr(ray, "init", lambda **_: pytest.fail("joined"))
    with head(demands=False) as address, pytest.raises(ValueError, match=r"answers without a token.*`open: true`"):
        Session(RayPlacement(address=address)).start_ray()


def test_a_ray_that_demands_a_token_lets_no_stranger_in() -> None:
    with head(demands=True) as address:
        assert not lets_strangers_in(address)
    assert not lets_strangers_in(address), "nobody is there any more"

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

from fsa_ray.engine import session
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


@pytest.fixture(autouse=True)
def no_ray_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other tests share this process, and may have started one."""
    monkeypatch.setattr(ray, "is_initialized", lambda: False)


def test_a_ray_that_answers_anybody_is_not_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_AUTH_MODE", "token")  # which says nothing of the other side
    monkeypatch.setenv("RAY_AUTH_TOKEN", "0123456789abcdef")
    monkeypatch.setattr(ray, "init", lambda **_: pytest.fail("joined"))
    with head(demands=False) as address, pytest.raises(ValueError, match=r"answers without a token.*`open: true`"):
        Session(RayPlacement(address=address)).start_ray()


def test_a_ray_that_demands_a_token_lets_no_stranger_in() -> None:
    with head(demands=True) as address:
        assert lets_strangers_in(address) is False


def test_a_proxy_of_the_environment_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with head(demands=False) as address:
        assert lets_strangers_in(address)


@pytest.mark.parametrize(("mode", "joined"), [(None, False), ("token", True)])
def test_a_ray_that_does_not_answer_is_joined_only_with_a_token(
    monkeypatch: pytest.MonkeyPatch, mode: str | None, joined: bool
) -> None:
    with head(demands=True) as address:
        pass
    assert lets_strangers_in(address) is None, "nobody is there any more"
    tried: list[str] = []
    monkeypatch.delenv("RAY_AUTH_MODE", raising=False)
    if mode is not None:
        monkeypatch.setenv("RAY_AUTH_MODE", mode)
    monkeypatch.setattr(ray, "init", lambda address, **_: tried.append(address))
    monkeypatch.setattr(session, "_hush", lambda: None)
    if joined:
        Session(RayPlacement(address=address)).start_ray()
    else:
        with pytest.raises(ValueError, match=r"does not tell whether.*RAY_AUTH_MODE=token"):
            Session(RayPlacement(address=address)).start_ray()
    assert bool(tried) is joined

"""What Ray is asked for when a machine ends."""

import time
from types import SimpleNamespace
from typing import Any

import pytest
import ray.util
from ray.exceptions import RpcError

from fsa_ray.engine.spot import drain
from fsa_ray.engine.spot.drain import Machine
from fsa_ray.engine.spot.notice import Notice
from fsa_ray.engine.spot.watcher import NotDrained

ADDRESS = "10.0.0.1:6379"
HERE, THERE = ray.NodeID.from_random(), ray.NodeID.from_random()
PREEMPTION = 2


class FakeRay:
    """Two nodes; stands for the client and for its making."""

    def __init__(self) -> None:
        self.nodes = {HERE: "10.0.0.7", THERE: "10.0.0.8"}
        self.drained: list[tuple[Any, ...]] = []
        self.refusal = ""
        self.error: Exception | None = None

    def __call__(self, *, address: str) -> "FakeRay":
        assert address == ADDRESS
        return self

    def get_all_node_info(self, **_: Any) -> dict[ray.NodeID, SimpleNamespace]:
        if self.error:
            raise self.error
        return {node: SimpleNamespace(node_manager_address=ip) for node, ip in self.nodes.items()}

    def drain_node(self, *call: Any, timeout: float) -> tuple[bool, str]:
        assert timeout > 0
        self.drained.append(call)
        return not self.refusal, self.refusal


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeRay:
    found = FakeRay()
    monkeypatch.setattr(drain, "GcsClient", found)
    return found


def test_the_node_of_this_machine_drains_until_the_notice_ends(fake: FakeRay) -> None:
    Machine(ADDRESS, "10.0.0.7").drain(Notice("EC2 spot notice", 2_000_000_000.5))
    assert fake.drained == [(HERE.hex(), PREEMPTION, "EC2 spot notice", 2_000_000_000_500)]


def test_all_nodes_of_this_machine_drain(fake: FakeRay) -> None:
    fake.nodes[THERE] = "10.0.0.7"
    Machine(ADDRESS, "10.0.0.7").drain(Notice("it ends", 2_000_000_000))
    assert {call[0] for call in fake.drained} == {HERE.hex(), THERE.hex()}


def test_a_deadline_that_passed_becomes_a_short_one(fake: FakeRay) -> None:
    Machine(ADDRESS, "10.0.0.7").drain(Notice("it ended", time.time() - 30))
    assert 0 < fake.drained[0][3] / 1000 - time.time() <= 1


def test_a_restarted_node_is_found_under_its_new_id(fake: FakeRay) -> None:
    machine, new = Machine(ADDRESS, "10.0.0.7"), ray.NodeID.from_random()
    assert machine.nodes() == [HERE.hex()]
    del fake.nodes[HERE]
    fake.nodes[new] = "10.0.0.7"
    assert machine.nodes() == [new.hex()]


def test_the_address_is_the_one_that_ray_takes(fake: FakeRay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray.util, "get_node_ip_address", {ADDRESS: "10.0.0.8"}.get)
    assert Machine(ADDRESS).nodes() == [THERE.hex()]


def test_no_node_here_says_which_there_are(fake: FakeRay) -> None:
    with pytest.raises(NotDrained, match=r"address 10\.0\.0\.9 \(there are: 10\.0\.0\.7, 10\.0\.0\.8\)"):
        Machine(ADDRESS, "10.0.0.9").nodes()


def test_a_refusal_is_told(fake: FakeRay) -> None:
    fake.refusal = "the node is not idle"
    with pytest.raises(NotDrained, match=r"refuses.*not idle"):
        Machine(ADDRESS, "10.0.0.7").drain(Notice("it ends", 2_000_000_000))


def test_a_head_that_does_not_answer_may_be_asked_again(fake: FakeRay) -> None:
    fake.error = RpcError("timed out")
    with pytest.raises(NotDrained, match="does not answer: timed out"):
        Machine(ADDRESS, "10.0.0.7").drain(Notice("it ends", 2_000_000_000))
    assert fake.drained == []

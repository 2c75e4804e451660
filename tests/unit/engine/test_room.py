"""What the autoscaler says cannot be had, and how much fits on machines."""

import pytest
from ray.core.generated.autoscaler_pb2 import GetClusterStatusReply

from fsa_ray.engine import machines
from fsa_ray.engine.machines import room
from fsa_ray.engine.room import hopeless_in


def test_single_requests_and_those_that_belong_together_are_found() -> None:
    reply = GetClusterStatusReply()
    state = reply.autoscaling_state
    state.infeasible_resource_requests.add().resources_bundle["GPU"] = 8
    gang = state.infeasible_gang_resource_requests.add()
    gang.requests.add().resources_bundle["CPU"] = 99
    gang.bundle_selectors.add().resource_requests.add().resources_bundle["TPU"] = 4
    assert hopeless_in(reply) == [{"GPU": 8.0}, {"CPU": 99.0}, {"TPU": 4.0}]


def test_without_an_autoscaler_nothing_is_hopeless() -> None:
    assert hopeless_in(GetClusterStatusReply()) == []


def test_shares_of_a_gpu_fill_it(monkeypatch: pytest.MonkeyPatch) -> None:
    nodes = [{"NodeID": "a", "Resources": {"CPU": 16.0, "GPU": 1.0}}, {"NodeID": "b", "Resources": {"CPU": 16.0}}]
    monkeypatch.setattr(machines, "_left", lambda: nodes)
    assert room({"CPU": 1.0, "GPU": 0.1}) == 10
    assert room({"CPU": 0.01}) == 3200
    assert room({"CPU": 5.0}) == 6

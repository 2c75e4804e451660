"""What the autoscaler says cannot be had."""

from ray.core.generated.autoscaler_pb2 import GetClusterStatusReply

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

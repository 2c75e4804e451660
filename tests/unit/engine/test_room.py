"""What the autoscaler says cannot be had, and how much fits on machines."""

import re
import time

import pytest
from ray.core.generated.autoscaler_pb2 import GetClusterStatusReply

from fsa_ray.engine import machines
from fsa_ray.engine import room as room_module
from fsa_ray.engine.machines import room
from fsa_ray.engine.room import Choice, hopeless_in, require_room


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


def chosen(numbers: list[int], patience_s: float, found: dict[float, int]) -> tuple[float, int]:
    """When, and how many: `found` is what there is room for, by seconds."""
    choice = Choice(numbers, patience_s)
    return next((now, number) for now, room in found.items() if (number := choice.among(room, now)) is not None)


def test_all_that_were_asked_for_begin_at_once() -> None:
    assert chosen([4, 2], 120.0, {0.0: 0, 300.0: 4}) == (300.0, 4)


def test_what_is_there_does_not_idle_longer_than_patience_lasts() -> None:
    assert chosen([4, 2, 1], 120.0, {0.0: 0, 300.0: 1, 310.0: 3, 419.0: 3, 420.0: 3, 430.0: 4}) == (420.0, 2)
    assert chosen([4, 2, 1], 0.0, {0.0: 3}) == (0.0, 2)


def test_more_that_come_in_time_are_taken() -> None:
    assert chosen([4, 2, 1], 120.0, {0.0: 1, 60.0: 3, 119.0: 4}) == (119.0, 4)


def test_patience_begins_anew_when_the_fewest_no_longer_fit() -> None:
    assert chosen([4, 2], 120.0, {0.0: 2, 100.0: 1, 110.0: 2, 130.0: 2, 230.0: 3}) == (230.0, 2)


def test_a_single_number_is_waited_for() -> None:
    assert chosen([4], 0.0, {0.0: 3, 1000.0: 3, 2000.0: 4}) == (2000.0, 4)


class Reserved:
    """Room that never comes."""

    def __init__(self, bundles: list[dict[str, float]]) -> None:
        self.bundles = bundles

    def wait(self, seconds: float) -> bool:
        time.sleep(0.01)
        return False


@pytest.mark.parametrize(
    ("hopeless_from", "timeout_s", "error", "said"),
    [
        (1, 60.0, ValueError, "asks for 1 x (1 GPU), each on one node; the autoscaler says"),
        (4, 0.5, TimeoutError, "start_timeout_s is 0.5 s"),  # which is what was set, whatever was spent on 8 and 4
    ],
)
def test_every_number_is_tried_in_the_time_that_all_have(
    monkeypatch: pytest.MonkeyPatch, hopeless_from: int, timeout_s: float, error: type[Exception], said: str
) -> None:
    asked: list[Reserved] = []

    def reserve(bundles: list[dict[str, float]]) -> Reserved:
        asked.append(Reserved(bundles))
        return asked[-1]

    def hopeless() -> list[dict[str, float]]:
        return asked[-1].bundles if len(asked[-1].bundles) >= hopeless_from else []

    for name, fake in (("placement_group", reserve), ("hopeless", hopeless), ("HOPELESS_SECONDS", 0.05)):
        monkeypatch.setattr(room_module, name, fake)
    monkeypatch.setattr(room_module, "remove_placement_group", lambda _: None)
    monkeypatch.setattr(room_module, "free", lambda _: 0)
    monkeypatch.setattr(room_module.ray, "available_resources", dict)
    with pytest.raises(error, match=re.escape(said)):
        require_room("train", [8, 4, 1], {"GPU": 1.0}, growth="train.autoscaling", grows=True, timeout_s=timeout_s)
    assert [len(each.bundles) for each in asked] == [8, 4, 1]

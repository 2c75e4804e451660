"""One drain for one notice, whatever the servers do."""

import logging
import socket
import threading
import time
from collections.abc import Callable

import pytest

from fsa_ray.engine.spot.ec2 import Ec2
from fsa_ray.engine.spot.gce import Gce
from fsa_ray.engine.spot.metadata import Unreadable
from fsa_ray.engine.spot.notice import Notice
from fsa_ray.engine.spot.watcher import NotDrained, cloud_here, watch
from tests.unit.engine.spot.metadata_server import MetadataServer, action


class Script:
    """A cloud that gives these answers in turn."""

    name, pause_s = "a cloud", 5.0

    def __init__(self, *answers: Notice | Unreadable | None) -> None:
        self._answers = list(answers)

    def probe(self) -> None:
        self.notice()

    def notice(self) -> Notice | None:
        answer = self._answers.pop(0)
        if isinstance(answer, Unreadable):
            raise answer
        return answer


class Drain:
    """Refuses so often, then takes it."""

    def __init__(self, refusals: int = 0) -> None:
        self.refusals, self.calls = refusals, 0
        self.taken: list[float] = []

    def __call__(self, notice: Notice) -> None:
        self.calls += 1
        if self.calls <= self.refusals:
            raise NotDrained("Ray does not answer")
        self.taken.append(notice.ends_at)


def soon() -> Notice:
    return Notice("it ends", time.time() + 60)


def gone() -> Unreadable:
    return Unreadable("gone")


def test_a_notice_is_drained_once() -> None:
    slept: list[float] = []
    drain, notice = Drain(), soon()
    watch(Script(None, None, notice, notice), drain, slept.append)
    assert drain.taken == [notice.ends_at]
    assert slept == [5.0, 5.0]


def test_a_server_that_is_gone_is_waited_for_and_told_once(caplog: pytest.LogCaptureFixture) -> None:
    slept: list[float] = []
    drain = Drain()
    with caplog.at_level(logging.INFO):
        watch(Script(None, *[gone() for _ in range(7)], None, gone(), soon()), drain, slept.append)
    assert len(drain.taken) == 1
    assert slept == [5.0, 0.5, 1.0, 2.0, 4.0, 5.0, 5.0, 5.0, 5.0, 0.5]
    assert [record.getMessage() for record in caplog.records if "answer" in record.getMessage()] == [
        "gone; trying until it answers",
        "a cloud's metadata server answers again",
    ] * 2


def test_a_refused_drain_is_tried_again_until_it_is_taken() -> None:
    slept: list[float] = []
    drain = Drain(refusals=3)
    watch(Script(soon()), drain, slept.append)
    assert (drain.calls, len(drain.taken), slept) == (4, 1, [0.5, 1.0, 2.0])


def test_a_drain_is_given_up_when_the_time_is_over() -> None:
    drain = Drain(refusals=1000)
    with pytest.raises(NotDrained, match="does not answer"):
        watch(Script(Notice("it ends", time.time() + 0.05)), drain, lambda _: time.sleep(0.03))
    assert 1 < drain.calls < 10


def test_a_late_notice_is_drained_all_the_same() -> None:
    drain = Drain()
    watch(Script(Notice("hibernation began", time.time() - 30)), drain)
    assert len(drain.taken) == 1


def test_an_unknown_error_is_not_swallowed() -> None:
    def broken(_: Notice) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        watch(Script(soon()), broken)


@pytest.mark.parametrize("here", ["EC2", "GCE"])
def test_the_cloud_is_found_by_its_protocol(server: MetadataServer, here: str) -> None:
    if here == "EC2":
        server.ec2["instance-id"] = "i-0123456789abcdef0"
    else:
        server.gce["preempted"] = "FALSE"
    assert cloud_here((Gce(server.url), Ec2(server.url))).name == here


def test_a_slow_start_of_the_server_is_forgiven() -> None:
    assert cloud_here((Script(gone(), None), Script(gone(), None)), lambda _: None).name == "a cloud"


def test_neither_cloud_is_an_error_that_says_so() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    slept: list[float] = []
    with pytest.raises(ValueError, match=r"no metadata server answers \(GCE: .*refused; EC2: .*refused\).*hop limit"):
        cloud_here((Gce(url), Ec2(url)), slept.append)
    assert slept == [0.5, 1.0]


def test_a_server_that_dies_and_comes_back_with_a_notice() -> None:
    """The whole way over HTTP: the token of the old server is refused by the new one."""
    first = MetadataServer()
    first.ec2["instance-id"] = "i-0123456789abcdef0"
    ec2 = Ec2(first.url)
    cloud_here([ec2])
    drain = Drain()
    watching = started(watch, ec2, drain, lambda _: time.sleep(0.02))
    await_that(lambda: len(first.asked) > 2)
    first.stop()
    time.sleep(0.1)
    second = MetadataServer(first.server_port)
    second.ec2["spot/instance-action"] = action("terminate", "2033-05-18T03:33:20Z")
    watching.join(30)
    asked = len(second.asked)
    time.sleep(0.1)
    second.stop()
    assert drain.taken == [2_000_000_000]
    assert len(second.asked) == asked, "nobody watches after the drain"


def started(function: Callable[..., object], *args: object) -> threading.Thread:
    thread = threading.Thread(target=function, args=args, daemon=True)
    thread.start()
    return thread


def await_that(holds: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

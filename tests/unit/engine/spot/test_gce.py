"""GCE's protocol: hanging GETs, etags and the header that proves who answers."""

import threading
import time
from zlib import crc32

import pytest

from fsa_ray.engine.spot.gce import Gce
from fsa_ray.engine.spot.metadata import Unreadable
from tests.unit.engine.spot.metadata_server import MetadataServer

PREEMPTED = "/computeMetadata/v1/instance/preempted"


@pytest.fixture(autouse=True)
def on_gce(server: MetadataServer) -> None:
    server.gce |= {"preempted": "FALSE", "maintenance-event": "NONE"}


def test_a_preempted_machine_is_seen_at_once(server: MetadataServer) -> None:
    gce = Gce(server.url, notice_s=120)
    gce.probe()
    server.set_gce("preempted", "TRUE")
    notice = gce.notice()
    assert notice is not None
    assert notice.what == "GCE preempts this machine"
    assert notice.ends_at == pytest.approx(time.time() + 120, abs=5)
    assert server.asked == [f"GET {PREEMPTED}"] * 2


def test_the_hanging_get_ends_with_the_change(server: MetadataServer) -> None:
    gce = Gce(server.url, wait_s=60)
    assert gce.notice() is None

    def preempt() -> None:
        server.waiting.wait(30)
        server.set_gce("preempted", "TRUE")

    threading.Thread(target=preempt).start()
    began = time.monotonic()
    assert gce.notice() is not None
    assert time.monotonic() - began < 30
    assert server.asked[-1] == (f"GET {PREEMPTED}?wait_for_change=true&timeout_sec=60&last_etag=%26{crc32(b'FALSE'):x}")


def test_the_hanging_get_ends_without_a_change(server: MetadataServer) -> None:
    gce = Gce(server.url, wait_s=1)
    assert [gce.notice(), gce.notice(), gce.notice()] == [None] * 3


def test_a_change_between_two_questions_is_not_missed(server: MetadataServer) -> None:
    gce = Gce(server.url, wait_s=60)
    assert gce.notice() is None
    server.set_gce("preempted", "TRUE")
    began = time.monotonic()
    assert gce.notice() is not None
    assert time.monotonic() - began < 30


def test_host_maintenance_that_stops_the_machine_is_a_notice(server: MetadataServer) -> None:
    gce = Gce(server.url, wait_s=1)
    server.set_gce("maintenance-event", "MIGRATE_ON_HOST_MAINTENANCE")
    assert gce.notice() is None
    server.set_gce("maintenance-event", "TERMINATE_ON_HOST_MAINTENANCE")
    notice = gce.notice()
    assert notice is not None
    assert notice.ends_at == pytest.approx(time.time() + 60, abs=5)


@pytest.mark.parametrize("headers", [{}, {"Metadata-Flavor": "Oracle"}])
def test_only_google_is_believed(server: MetadataServer, headers: dict[str, str]) -> None:
    server.gce_headers = headers
    server.gce["preempted"] = "TRUE"
    with pytest.raises(Unreadable, match="not Google's"):
        Gce(server.url).notice()


@pytest.mark.parametrize("text", ["", "true", "<html>", "TRUE\nFALSE"])
def test_garbage_is_no_notice_and_no_crash(server: MetadataServer, text: str) -> None:
    server.gce["preempted"] = text
    with pytest.raises(Unreadable, match="preempted: HTTP 200"):
        Gce(server.url).notice()


def test_after_a_failure_the_state_is_asked_for_without_waiting(server: MetadataServer) -> None:
    gce = Gce(server.url, wait_s=60)
    assert gce.notice() is None
    server.failures[:] = [503]
    with pytest.raises(Unreadable):
        gce.notice()
    server.set_gce("preempted", "TRUE")
    assert gce.notice() is not None
    assert server.asked[-1] == f"GET {PREEMPTED}"


def test_a_server_without_etags_is_polled(server: MetadataServer) -> None:
    server.gce_headers["ETag"] = ""
    gce = Gce(server.url, wait_s=60)
    assert [gce.notice(), gce.notice()] == [None, None]
    assert server.asked[-2:] == server.asked[:2]


def test_a_server_that_hangs_for_ever_is_given_up(server: MetadataServer) -> None:
    gce = Gce(server.url, wait_s=-4)  # less than the server waits: our own time-out ends it
    assert gce.notice() is None
    server.changed.wait_for = lambda *_: time.sleep(3)  # type: ignore[assignment, method-assign, return-value]
    with pytest.raises(Unreadable, match="timed out"):
        gce.notice()


def test_no_server_is_unreadable(server: MetadataServer) -> None:
    server.stop()
    with pytest.raises(Unreadable, match="refused"):
        Gce(server.url).probe()

"""EC2's protocol: tokens, 404 until a notice, and answers that are none."""

import time

import pytest

from fsa_ray.engine.spot.ec2 import Ec2
from fsa_ray.engine.spot.metadata import Unreadable
from tests.unit.engine.spot.metadata_server import MetadataServer, action

NOTICE, REBALANCE = "spot/instance-action", "events/recommendations/rebalance"


@pytest.fixture(autouse=True)
def on_ec2(server: MetadataServer) -> None:
    server.ec2["instance-id"] = "i-0123456789abcdef0"


@pytest.mark.parametrize("what", ["terminate", "stop", "hibernate"])
def test_a_notice_is_seen_when_it_comes(server: MetadataServer, what: str) -> None:
    ec2 = Ec2(server.url)
    assert ec2.notice() is None
    server.ec2[NOTICE] = action(what, "2033-05-18T03:33:20Z")
    notice = ec2.notice()
    assert notice is not None
    assert notice.what == f"EC2 spot notice: {what} at 2033-05-18T03:33:20+00:00"
    assert notice.ends_at == 2_000_000_000


def test_one_token_serves_until_it_expires(server: MetadataServer) -> None:
    ec2 = Ec2(server.url)
    ec2.probe()
    assert [ec2.notice(), ec2.notice(), server.tokens_made] == [None, None, 1]
    server.tokens.clear()
    assert ec2.notice() is None
    assert server.tokens_made == 2
    server.ec2[NOTICE] = action("stop", "2033-05-18T03:33:20Z")
    server.tokens.clear()
    assert ec2.notice() is not None


def test_a_server_that_takes_no_token_is_asked_twice_only(server: MetadataServer) -> None:
    server.failures[:] = [401, 401]
    with pytest.raises(Unreadable, match="HTTP 401"):
        Ec2(server.url).notice()
    assert server.tokens_made == 2


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<html>",
        "[" * 100_000,
        "null",
        '{"action": "terminate"}',
        '{"action": "dance", "time": "2033-05-18T03:33:20Z"}',
        '{"action": "stop", "time": "soon"}',
        '{"action": "stop", "time": "2033-05-18T03:33:20"}',
        '{"action": "terminate", "time": "2033',
    ],
)
def test_garbage_is_no_notice_and_no_crash(server: MetadataServer, text: str) -> None:
    ec2 = Ec2(server.url)
    server.ec2[NOTICE] = text
    with pytest.raises(Unreadable, match="no EC2 notice"):
        ec2.notice()
    server.ec2[NOTICE] = action("stop", "2033-05-18T03:33:20Z")
    assert ec2.notice() is not None


@pytest.mark.parametrize("status", [500, 503, 403])
def test_a_failing_server_may_do_better_next_time(server: MetadataServer, status: int) -> None:
    ec2 = Ec2(server.url)
    server.failures[:] = [status]
    with pytest.raises(Unreadable, match=f"instance-action: HTTP {status} 'come back later'"):
        ec2.notice()
    assert ec2.notice() is None


def test_a_recommendation_counts_only_if_asked_for(server: MetadataServer) -> None:
    server.ec2[REBALANCE] = '{"noticeTime": "2033-05-18T03:33:20Z"}'
    assert Ec2(server.url).notice() is None
    assert f"GET /latest/meta-data/{REBALANCE}" not in server.asked
    notice = Ec2(server.url, rebalance=True).notice()
    assert notice is not None
    assert notice.what == "EC2 rebalance recommendation of 2033-05-18T03:33:20+00:00"
    assert notice.ends_at == pytest.approx(time.time() + 120, abs=5)


def test_a_notice_goes_before_a_recommendation(server: MetadataServer) -> None:
    server.ec2 |= {
        REBALANCE: '{"noticeTime": "2033-05-18T03:33:20Z"}',
        NOTICE: action("stop", "2033-05-18T03:33:20Z"),
    }
    notice = Ec2(server.url, rebalance=True).notice()
    assert notice is not None
    assert notice.ends_at == 2_000_000_000


def test_no_server_is_unreadable(server: MetadataServer) -> None:
    ec2 = Ec2(server.url)
    ec2.probe()
    server.stop()
    with pytest.raises(Unreadable, match="refused"):
        ec2.notice()


def test_another_cloud_is_not_ec2(server: MetadataServer) -> None:
    server.ec2.clear()
    with pytest.raises(Unreadable, match="HTTP 404"):
        Ec2(server.url).probe()


def test_proxies_of_the_environment_are_not_used(server: MetadataServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    assert Ec2(server.url).notice() is None


@pytest.mark.parametrize("address", ["169.254.169.254", "https://169.254.169.254", "http://"])
def test_an_address_must_be_one(address: str) -> None:
    with pytest.raises(ValueError, match=r"looks like http://169"):
        Ec2(address)

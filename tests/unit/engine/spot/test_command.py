"""`fsa-ray watch-spot` on machines where it cannot work, and once where it can."""

import time
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from fsa_ray.cli.exits import Exit, guarded
from fsa_ray.cli.watch import watch_spot
from fsa_ray.engine.spot import drain
from fsa_ray.engine.spot.notice import Notice
from fsa_ray.engine.spot.watcher import NotDrained
from tests.unit.engine.spot.metadata_server import MetadataServer, action


class Machine:
    """Stands for Ray on this machine."""

    drained: list[Notice]

    def __init__(self, address: str | None, ip: str | None) -> None:
        self.address = address
        Machine.drained = []

    def nodes(self) -> list[str]:
        if self.address is None:
            raise NotDrained("Ray does not answer: no address")
        return ["abc"]

    def drain(self, notice: Notice) -> None:
        Machine.drained.append(notice)


@pytest.fixture(autouse=True)
def no_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drain, "Machine", Machine)


def called(server: MetadataServer, *arguments: Any) -> Result:
    app = typer.Typer()
    app.command()(guarded(watch_spot))
    metadata = ["--ec2-metadata", server.url, "--gce-metadata", server.url]
    return CliRunner().invoke(app, [*metadata, *arguments])


@pytest.mark.parametrize("cloud", ["ec2", "gce", "auto"])
def test_neither_cloud(server: MetadataServer, cloud: str) -> None:
    done = called(server, "--cloud", cloud)
    assert done.exit_code == Exit.MISTAKE
    assert "no metadata server answers" in done.stderr


def test_no_ray_here(server: MetadataServer) -> None:
    server.gce["preempted"] = "FALSE"
    done = called(server)
    assert done.exit_code == Exit.MISTAKE
    assert "Ray does not answer: no address. Run this after `ray start`" in done.stderr


@pytest.mark.parametrize("cloud", ["ec2", "auto"])
def test_a_notice_on_ec2(server: MetadataServer, cloud: str) -> None:
    server.ec2["spot/instance-action"] = action("terminate", "2033-05-18T03:33:20Z")
    done = called(server, "--cloud", cloud, "--address", "10.0.0.1:6379")
    assert done.exit_code == Exit.DONE, done.stderr
    assert [notice.ends_at for notice in Machine.drained] == [2_000_000_000]


def test_a_notice_on_gce(server: MetadataServer) -> None:
    server.gce |= {"preempted": "TRUE", "maintenance-event": "NONE"}
    done = called(server, "--address", "10.0.0.1:6379", "--gce-notice-s", "120")
    assert done.exit_code == Exit.DONE, done.stderr
    assert [notice.ends_at for notice in Machine.drained] == [pytest.approx(time.time() + 120, abs=10)]

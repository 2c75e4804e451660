"""Stores that hang, deny, are not there or damage what passes: a clear end within bounded time."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from fsa_ray.storage import s3
from fsa_ray.storage.folder import Folder
from fsa_ray.storage.s3 import S3
from fsa_ray.storage.trouble import StoreSilent
from tests.object_store import Server
from tests.s3.conftest import invoke, write_spec
from tests.s3.test_folder import unconditional


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    (tmp_path / "reviews.jsonl").write_text('{"text": "The soup was cold but the waiter was kind."}\n')
    return write_spec(tmp_path / "spec.yaml", str(tmp_path / "reviews.jsonl"))


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(s3, "PATIENCE_SECONDS", 3.0)
    monkeypatch.setattr(s3, "SLOWEST_LINE", 10 << 20)
    monkeypatch.setattr(S3, "read_timeout", 1)
    with fresh_connections():
        yield


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """For a test that changes the environment: fsspec would keep using the connections that it has."""
    with fresh_connections():
        yield monkeypatch


@contextmanager
def fresh_connections() -> Iterator[None]:
    S3.clear_instance_cache()
    try:
        yield
    finally:
        S3.clear_instance_cache()


@pytest.mark.slow
@pytest.mark.usefixtures("impatient")
def test_a_store_that_hangs_ends_every_request_in_time(server: Server, bucket: str, spec: Path) -> None:
    root = Folder(f"{bucket}/runs")
    root.put("a", b"1")
    large = bytes(20 << 20)  # one request, and more than the sockets take
    with server.asleep():
        for work in (
            lambda: root.get("a"),
            lambda: root.put("b", b"2"),
            lambda: root.put_exclusive("c", b"3"),
            root.names,
            lambda: root.put("large", large),
            lambda: root.arrow().get_file_info(root.where("a")),
        ):
            began = time.monotonic()
            with pytest.raises(StoreSilent, match=rf"s3://.*no answer from {server.environment()['AWS_ENDPOINT_URL']}"):
                work()
            assert time.monotonic() - began < 15
        done = invoke("run", spec, "--root", root.url, "--until", "ingest")
        assert done.exit_code == 1, done.output
        assert root.url in done.stderr and "run the same command to go on" in done.stderr
    assert root.get("a") == b"1", "awake again"


@pytest.mark.usefixtures("impatient")
def test_a_port_that_accepts_and_says_nothing(server: Server, elsewhere: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        elsewhere.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{listener.getsockname()[1]}")
        began = time.monotonic()
        with pytest.raises(StoreSilent, match="check AWS_ENDPOINT_URL and that the store is up"):
            Folder("s3://somewhere/runs").get("a")
        assert time.monotonic() - began < 20


def test_mistakes_are_told_with_their_mend(server: Server, bucket: str, spec: Path, tmp_path: Path) -> None:
    root = f"{bucket}/runs"
    commands = (("plan", spec), ("run", spec), ("show",), ("doctor",))
    for wrong, expected in (
        ({"AWS_SECRET_ACCESS_KEY": "wrong"}, "denies access"),
        ({"AWS_ACCESS_KEY_ID": "nobody"}, "denies access"),
        ({"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "HOME": str(tmp_path)}, "Unable to locate credentials"),
        ({"AWS_PROFILE": "nobody"}, "profile"),
    ):
        with pytest.MonkeyPatch.context() as patch, fresh_connections():
            for name, value in wrong.items():
                patch.setenv(name, value) if value else patch.delenv(name)
            for command in commands:
                done = invoke(*command, "--root", root)
                assert done.exit_code == (1 if command == ("doctor",) else 2), (wrong, command, done.output)
                told = " ".join(done.output.split())
                assert expected in told and bucket in told and "AWS_" in told, told
                assert server.environment()["AWS_SECRET_ACCESS_KEY"] not in done.output
    for command in commands:
        done = invoke(*command, "--root", "s3://not-there/runs")
        assert done.exit_code == (1 if command == ("doctor",) else 2), done.output
        told = " ".join(done.output.split())
        assert "there is no bucket 'not-there'" in told and "s3://not-there/runs" in told


def test_nobody_listens(server: Server, spec: Path, elsewhere: pytest.MonkeyPatch) -> None:
    elsewhere.setattr(s3, "TRIES", 2)
    elsewhere.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    done = invoke("plan", spec, "--root", "s3://bucket/runs")
    assert done.exit_code == 1
    assert "s3://bucket/runs" in done.stderr and "no answer from http://127.0.0.1:1" in done.stderr


def test_doctor_races_and_run_refuses_a_store_without_conditions(
    root: Folder, spec: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = invoke("doctor", "--root", root.url, "--json")
    storage = next(check for check in json.loads(done.stdout)["checks"] if check["name"] == "storage")
    assert storage["passed"] and "lets one of 8 racers create a file" in storage["detail"]
    assert root.names() == []
    unconditional(monkeypatch)
    done = invoke("doctor", "--root", root.url)
    assert done.exit_code == 1 and "claims do not hold" in done.stdout
    done = invoke("run", spec, "--root", root.url, "--until", "ingest")
    assert done.exit_code == 2 and "FSA_RAY_ONLY_DRIVER=1" in done.stderr
    assert not any(name.endswith("record.json") for name, _ in root.walk())
    monkeypatch.setenv("FSA_RAY_ONLY_DRIVER", "1")
    done = invoke("run", spec, "--root", root.url, "--until", "ingest")
    assert done.exit_code == 0, done.output


def test_bytes_that_change_on_the_way_are_noticed(server: Server, bucket: str, elsewhere: pytest.MonkeyPatch) -> None:
    root = Folder(f"{bucket}/runs")
    root.put("before", b"good" * 1000)
    endpoint = server.environment()["AWS_ENDPOINT_URL"]
    with changing(endpoint, b"good", b"evil") as url:
        elsewhere.setenv("AWS_ENDPOINT_URL", url)
        elsewhere.setattr(s3, "PATIENCE_SECONDS", 5.0)
        S3.clear_instance_cache()
        there = Folder(root.url)
        with pytest.raises(OSError, match=r"(?i)checksum|sha256|digest"):
            there.put("after", b"good" * 1000)
        with pytest.raises(StoreSilent, match="checksum"):
            there.get("before")
    elsewhere.setenv("AWS_ENDPOINT_URL", endpoint)
    S3.clear_instance_cache()
    there = Folder(root.url)
    assert there.get("before") == b"good" * 1000 and not there.exists("after")


@contextmanager
def changing(endpoint: str, old: bytes, new: bytes) -> Iterator[str]:
    """The URL of a relay to `endpoint` that changes bytes both ways."""
    target = urlsplit(endpoint)

    def pump(source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(1 << 20):
                sink.sendall(data.replace(old, new))
        except OSError:
            pass
        finally:
            sink.close()

    def serve() -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            far = socket.create_connection((target.hostname, target.port))
            for pair in ((near, far), (far, near)):
                threading.Thread(target=pump, args=pair, daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"

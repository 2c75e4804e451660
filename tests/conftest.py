"""What all tests share. With FSA_RAY_REQUIRE_ALL=1, as in CI, a skipped test is a failed one."""

import os
import signal
import uuid
from collections.abc import Generator, Iterator
from typing import Any

import pytest
from hypothesis import settings

from fsa_ray.storage.folder import Folder
from tests.object_store import Server

# A busy machine makes single examples slow, which says nothing about them; tests of speed measure it themselves.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


def pytest_configure() -> None:
    """Programs that a shell starts in the background ignore Ctrl-C, and so would what the tests start and interrupt."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that fork come first: later this process has threads of Arrow and torch, whose locks a child would keep."""
    items.sort(key=lambda item: not any(room in str(item.path) for room in ("unit/storage", "unit/core")))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, None]:
    outcome = yield
    report = outcome.get_result()
    if report.skipped and os.environ.get("FSA_RAY_REQUIRE_ALL") == "1" and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped where nothing may be skipped: {report.longrepr[-1]}"


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Running, and named by this process's environment, which children and Ray's workers inherit.

    One for all tests: a file system of this process keeps talking to the endpoint that it first met.
    """
    program = os.environ.get("FSA_RAY_S3_SERVER")
    if not program:
        pytest.skip("FSA_RAY_S3_SERVER names no program that runs an S3 server")
    server = Server(program, tmp_path_factory.mktemp("s3") / "data")
    server.start()
    with pytest.MonkeyPatch.context() as patch:
        try:
            for name, value in server.environment().items():
                patch.setenv(name, value)
            yield server
        finally:
            server.wipe()


@pytest.fixture
def bucket(server: Server) -> str:
    """The URL of a new bucket."""
    name = f"test-{uuid.uuid4().hex[:12]}"
    Folder(f"s3://{name}").fs.mkdir(name)
    return f"s3://{name}"

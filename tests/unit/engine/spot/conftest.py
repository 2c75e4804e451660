"""One metadata server for each test."""

from collections.abc import Iterator

import pytest

from tests.unit.engine.spot.metadata_server import MetadataServer


@pytest.fixture
def server() -> Iterator[MetadataServer]:
    running = MetadataServer()
    yield running
    running.stop()

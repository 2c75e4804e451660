"""What all tests share. With FSA_RAY_REQUIRE_ALL=1, as in CI, a skipped test is a failed one."""

import os
from collections.abc import Generator
from typing import Any

import pytest
from hypothesis import settings

# A busy machine makes single examples slow, which says nothing about them; tests of speed measure it themselves.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


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

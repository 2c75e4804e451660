"""The evaluation data, where there is some."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def data_root() -> Path:
    """The folder with sentibench/ and fsa/; the test is skipped where FSA_RAY_DATA does not name one."""
    root = os.environ.get("FSA_RAY_DATA")
    if not root or not (Path(root) / "sentibench").is_dir():
        pytest.skip("FSA_RAY_DATA names no folder with sentibench/")
    return Path(root)


@pytest.fixture(scope="session")
def sentibench(data_root: Path) -> Path:
    return data_root / "sentibench"


@pytest.fixture(scope="session")
def fsa(data_root: Path) -> Path:
    if not (data_root / "fsa").is_dir():
        pytest.skip("FSA_RAY_DATA holds no fsa/")
    return data_root / "fsa"

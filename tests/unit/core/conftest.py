from collections.abc import Iterator
from pathlib import Path

import pytest

from fsa_ray.storage.folder import Folder
from tests.unit.core.toy_stages import RAN, TROUBLE, Toys


@pytest.fixture
def toys(tmp_path: Path) -> Iterator[Toys]:
    RAN.clear()
    TROUBLE.clear()
    yield Toys(Folder(str(tmp_path)))
    TROUBLE.clear()

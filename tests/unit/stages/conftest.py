"""Runs stages for real, in a folder of the test, without Ray."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pytest

from fsa_ray.core.artifact import Rows
from fsa_ray.core.pipeline import Pipeline
from fsa_ray.core.placement import Placement
from fsa_ray.core.plan import Step
from fsa_ray.core.record import Record, read_record
from fsa_ray.core.runner import Runner, load
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.core.tables import read_table
from fsa_ray.core.verification import Finding, verify
from fsa_ray.schemas.alignment import ALIGNMENT
from fsa_ray.schemas.rows import EXAMPLE, LABELLED_REVIEW, RESPONSE, REVIEW, SCORED_EXAMPLE
from fsa_ray.stages.rows import commit
from fsa_ray.storage.folder import Folder

SCHEMAS = {
    "alignment": ALIGNMENT,
    "review": REVIEW, "labelled": LABELLED_REVIEW, "response": RESPONSE, "example": EXAMPLE, "scored": SCORED_EXAMPLE,
}  # fmt: skip


class Given(Stage[Rows]):
    """Rows that a test makes up; `rows` are JSON-like values."""

    name: ClassVar[str] = "given"
    version: ClassVar[int] = 1

    schema_name: str
    key: str

    def run(self, ctx: StageContext) -> Rows:
        return commit(ctx, pa.Table.from_pylist(TABLES[self.key], SCHEMAS[self.schema_name]), [])


TABLES: dict[str, list[dict[str, Any]]] = {}


class Silent:
    def begins(self, step: Step) -> None: ...
    def says(self, step: Step, message: str) -> None: ...
    def ends(self, step: Step, record: Record) -> None: ...


class Workshop:
    """A root, and what can be done with stages in it."""

    def __init__(self, root: Path) -> None:
        self.root = Folder(str(root))

    def given(self, schema: str, rows: list[dict[str, Any]]) -> Given:
        key = f"{self.root.url}/{len(TABLES)}"
        TABLES[key] = rows
        return Given(schema_name=schema, key=key)

    def run(self, stage: Stage[Any]) -> Any:
        Runner(self.root, Placement(), Silent(), lambda engines: None).run(Pipeline("test", {"wanted": stage}))
        return load(self.root, stage)

    def kept(self, stage: Stage[Any]) -> list[dict[str, Any]]:
        return read_table(self.root, self.run(stage).kept).to_pylist()

    def rejected(self, stage: Stage[Any]) -> list[dict[str, Any]]:
        return read_table(self.root, self.run(stage).rejected).to_pylist()

    def measures(self, stage: Stage[Any]) -> dict[str, float]:
        self.run(stage)
        record = read_record(self.root, stage)
        assert record is not None
        return dict(record.measures)

    def verify(self, stage: Stage[Any]) -> list[Finding]:
        return verify(self.root, Pipeline("test", {"wanted": stage}))


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path / "root")


@pytest.fixture
def review() -> Callable[..., dict[str, Any]]:
    def make(number: int, text: str, **more: Any) -> dict[str, Any]:
        return {"id": f"{number:032x}", "source_id": str(number), "domain": None, "text": text, **more}

    return make

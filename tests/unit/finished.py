"""Stages that are done without having run."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from fsa_ray.core.artifact import Rows, Table
from fsa_ray.core.record import Record, parameters_of, provenance
from fsa_ray.core.stage import Stage
from fsa_ray.storage.folder import Folder

NOTHING = Rows(kept=Table(files=()), rejected=Table(files=())).model_dump(mode="json")


def finish(
    root: Folder, stage: Stage[Any], measures: Mapping[str, float], artifact: Mapping[str, Any] = NOTHING
) -> None:
    """Leaves the record of a stage that measured `measures` and came to `artifact`."""
    record = Record(
        stage=stage.name,
        version=stage.version,
        fingerprint=stage.fingerprint,
        parameters=parameters_of(stage),
        inputs={},
        artifact=dict(artifact),
        measures=dict(measures),
        provenance=provenance("test", datetime.now(UTC), 1),
    )
    (root / stage.folder).put("record.json", record.encoded())

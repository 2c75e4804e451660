"""Checkpoints of a training run: who wrote which part, which one is whole, saving and restoring.

A checkpoint is a folder `step-00000120` of DeepSpeed's files, one set per worker, and a `part-<rank>.json` from each
worker that lists its files with their sizes. It is complete when every worker's list is there and every listed file
has its size: a kill while files are copied leaves a folder that is passed over.
"""

import json
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from fsa_ray.storage.folder import Folder
from fsa_ray.training.metrics import StepLine, read_lines, write_lines

_TAG = "deepspeed"
_NAME = re.compile(r"step-(\d{8})")


class Part(BaseModel):
    """What one worker put into a checkpoint. `files` are relative to the checkpoint, with their sizes in bytes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    step: int  # steps done
    rank: int
    workers: int
    zero_stage: int
    identity: str
    files: dict[str, int]


@dataclass(frozen=True)
class Complete:
    folder: Folder
    part: Part  # of rank 0


def name_of(step: int) -> str:
    return f"step-{step:08d}"


def save_part(engine: Any, part: Part, lines: list[StepLine]) -> Path:
    """Writes this worker's part into a new local directory and returns it. Collective."""
    directory = Path(tempfile.mkdtemp(prefix="fsa-ray-checkpoint-"))
    engine.save_checkpoint(str(directory), tag=_TAG, save_latest=False)
    if part.rank == 0:
        write_lines(directory / "metrics.jsonl", lines)
    files = {str(path.relative_to(directory)): path.stat().st_size for path in directory.rglob("*") if path.is_file()}
    whole = part.model_copy(update={"files": files})
    (directory / f"part-{part.rank}.json").write_text(whole.model_dump_json())
    return directory


def newest_complete(progress: Folder) -> Complete | None:
    """The complete checkpoint with most steps, or None; incomplete ones are passed over."""
    steps = sorted((name for name in progress.names() if _NAME.fullmatch(name)), reverse=True)
    return next((found for name in steps if (found := _whole(progress / name))), None)


def remove_others(progress: Folder, found: Complete | None) -> None:
    """Removes what a killed run left half copied, and the older ones. For one worker, before training starts."""
    for name in progress.names():
        if _NAME.fullmatch(name) and (found is None or name != name_of(found.part.step)):
            progress.remove(name)


def refuse_stranger(found: Complete, *, workers: int, zero_stage: int, identity: str) -> None:
    """ValueError if the checkpoint is not of this run, or of other workers (ZeRO's shards are cut for their number)."""
    if found.part.identity != identity:
        raise ValueError(
            f"{found.folder.url} belongs to another training run (settings, model or corpus differ); "
            "give this run a progress folder of its own"
        )
    if (found.part.workers, found.part.zero_stage) != (workers, zero_stage):
        raise ValueError(
            f"{found.folder.url} was written by {found.part.workers} workers at ZeRO stage {found.part.zero_stage}, "
            f"this run has {workers} at stage {zero_stage}; resume with the same, or remove the folder to start again"
        )


def restore(engine: Any, found: Complete) -> list[StepLine]:
    """Loads the checkpoint into DeepSpeed's engine and returns the lines of the steps done. Collective."""
    with tempfile.TemporaryDirectory(prefix="fsa-ray-restore-") as scratch:
        if found.folder.is_local:
            directory = Path(found.folder.path)
        else:
            directory = Path(scratch)
            for name, _ in found.folder.walk():
                (directory / name).parent.mkdir(parents=True, exist_ok=True)
                (directory / name).write_bytes(found.folder.get(name))
        loaded, _ = engine.load_checkpoint(str(directory), tag=_TAG)
        assert loaded is not None, f"DeepSpeed found nothing in {found.folder.url}"
        return read_lines(directory / "metrics.jsonl")


def _whole(folder: Folder) -> Complete | None:
    sizes = dict(folder.walk())
    try:
        first = Part.model_validate(json.loads(folder.get("part-0.json")))
        parts = [Part.model_validate(json.loads(folder.get(f"part-{rank}.json"))) for rank in range(first.workers)]
    except (FileNotFoundError, ValidationError, ValueError):
        return None
    listed = {name: size for part in parts for name, size in part.files.items()}
    if any(sizes.get(name) != size for name, size in listed.items()) or len({part.step for part in parts}) != 1:
        return None
    return Complete(folder, first)

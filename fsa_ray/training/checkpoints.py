"""Checkpoints of a training run: who wrote which part, which one is whole, saving, restoring and removing.

A checkpoint is a folder `step-00000120`. Each worker writes what it has of the fp32 weights and of the optimiser's
moments as two safetensors files, and a `part-<rank>.json` that says which values these are and lists the files with
sizes and digests. It is complete when every worker's list is there and every listed file has its size: a kill while
files are copied leaves a folder that is passed over. Any number of workers, at any ZeRO stage, reads it.
"""

import hashlib
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors.torch import load, save_file
from torch import Tensor, nn

from fsa_ray.storage.folder import Folder
from fsa_ray.training.fragments import is_whole
from fsa_ray.training.holding import Holding, Tensors, trained
from fsa_ray.training.metrics import StepLine, read_lines, write_lines

METRICS = "metrics.jsonl"
_NAME = re.compile(r"step-(\d{8})")
_GIB = 1 << 30


class Stored(BaseModel):
    """A file of a checkpoint."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: int  # bytes
    sha256: str


class Part(BaseModel):
    """What one worker put into a checkpoint, and what a resumed run must know.

    `pieces`: of which values (start, count) of each flattened parameter. `files` are relative to the checkpoint.
    `attempt` is common to the parts that belong together: the same step may be done again after a crash.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    step: int  # steps done
    rank: int
    workers: int
    zero_stage: int
    identity: str
    attempt: str
    best: int | None  # the step whose weights had the lowest watched loss so far
    pieces: dict[str, tuple[int, int]] = {}
    files: dict[str, Stored] = {}

    @property
    def weights(self) -> str:
        return f"weights-{self.rank}.safetensors"

    @property
    def moments(self) -> str:
        return f"moments-{self.rank}.safetensors"


@dataclass(frozen=True)
class Complete:
    folder: Folder
    parts: tuple[Part, ...]  # by rank

    @property
    def step(self) -> int:
        return self.parts[0].step

    @property
    def size(self) -> int:
        return sum(file.size for part in self.parts for file in part.files.values())


def name_of(step: int) -> str:
    return f"step-{step:08d}"


def save_part(progress: Folder, holding: Holding, part: Part, lines: Sequence[StepLine]) -> Path:
    """Writes this worker's part into a new local directory, on its way to `progress`, and returns it. Needs no other
    worker."""
    directory = Path(tempfile.mkdtemp(prefix=_local(progress, part.rank)))
    save_file(holding.weights(), directory / part.weights)
    save_file(holding.moments(), directory / part.moments)
    if part.rank == 0:
        write_lines(directory / METRICS, lines)
    pieces = {fragment.name: (fragment.start, fragment.count) for fragment in holding.owned}
    files = {path.name: _stored(path) for path in directory.iterdir()}
    whole = part.model_copy(update={"pieces": pieces, "files": files})
    (directory / f"part-{part.rank}.json").write_text(whole.model_dump_json())
    return directory


def remove_local(progress: Folder, rank: int) -> None:
    """Removes what killed workers in this one's place left on this machine: parts that never reached `progress`."""
    for left in Path(tempfile.gettempdir()).glob(f"{_local(progress, rank)}*"):
        shutil.rmtree(left, ignore_errors=True)


def complete(progress: Folder) -> Iterator[Complete]:
    """The complete checkpoints, the one with most steps first."""
    for name in sorted((name for name in progress.names() if _NAME.fullmatch(name)), reverse=True):
        found = _whole(progress / name)
        if found is not None:
            yield found


def refuse_stranger(found: Complete, identity: str) -> None:
    """ValueError if the checkpoint is not of this run."""
    if found.parts[0].identity != identity:
        raise ValueError(
            f"{found.folder.url} belongs to another training run (settings, model or corpus differ); "
            f"remove the folder {found.folder.url.rpartition('/')[0]} to train from the start"
        )


def is_sound(found: Complete, parts: Sequence[Part]) -> bool:
    """Whether the files of `parts` have their digests."""
    for part in parts:
        for name, stored in part.files.items():
            try:
                data = found.folder.get(name)
            except FileNotFoundError:
                return False
            if hashlib.sha256(data).hexdigest() != stored.sha256:
                return False
    return True


def load_weights(found: Complete, module: nn.Module) -> None:
    """Into the trained parameters of a model that DeepSpeed has not touched yet; the others stay."""
    parameters = dict(trained(module))
    for name in parameters.keys() | {name for part in found.parts for name in part.pieces}:
        pieces = [part.pieces[name] for part in found.parts if name in part.pieces]
        assert name in parameters and is_whole(pieces, parameters[name].numel()), (
            f"{found.folder.url} does not have the whole of {name}, or the model does not train it"
        )
    for part in found.parts:
        weights = load(found.folder.get(part.weights))
        with torch.no_grad():
            for name, (start, count) in part.pieces.items():
                parameters[name].view(-1)[start : start + count] = weights[name]


def load_states(found: Complete, holding: Holding) -> list[StepLine]:
    """Into what this worker keeps for the optimiser, once the engine runs; returns the lines of the steps done."""
    for part in found.parts:
        if holding.shares(part.pieces):
            weights, moments = (_tensors(found.folder, name) for name in (part.weights, part.moments))
            holding.take(part.pieces, weights, moments)
    return read_lines(found.folder.get(METRICS).decode("utf-8"))


def remove_all_but(progress: Folder, kept: Sequence[Complete]) -> None:
    """Removes what a killed run left half copied, and what is not sound. For one worker, before training starts."""
    names = {name_of(found.step) for found in kept}
    for name in progress.names():
        if _NAME.fullmatch(name) and name not in names:
            progress.remove(name)


def rotate(progress: Folder, count: int, gib: float | None) -> list[Complete]:
    """Keeps the newest `count` complete checkpoints, fewer if they are larger than `gib` together, but always the
    newest. What is not complete may be on its way and stays. Returns the kept ones, the newest first."""
    found = list(complete(progress))
    total = 0
    kept: list[Complete] = []
    for checkpoint in found[:count]:
        total += checkpoint.size
        if kept and gib is not None and total > gib * _GIB:
            break
        kept.append(checkpoint)
    for checkpoint in found[len(kept) :]:
        progress.remove(name_of(checkpoint.step))
    return kept


def _local(progress: Folder, rank: int) -> str:
    """Of one training alone: only one driver works in a progress folder."""
    return f"fsa-ray-checkpoint-{hashlib.sha256(progress.url.encode()).hexdigest()[:16]}-{rank}-"


def _tensors(folder: Folder, name: str) -> Tensors:
    tensors: dict[str, Tensor] = load(folder.get(name))
    return tensors


def _stored(path: Path) -> Stored:
    with path.open("rb") as stream:
        return Stored(size=path.stat().st_size, sha256=hashlib.file_digest(stream, "sha256").hexdigest())


def _whole(folder: Folder) -> Complete | None:
    sizes = dict(folder.walk())
    try:
        first = Part.model_validate_json(folder.get("part-0.json"))
        parts = [Part.model_validate_json(folder.get(f"part-{rank}.json")) for rank in range(first.workers)]
    except (FileNotFoundError, ValidationError):
        return None
    if any(sizes.get(name) != file.size for part in parts for name, file in part.files.items()):
        return None
    if len({(part.step, part.workers, part.zero_stage, part.identity, part.attempt) for part in parts}) != 1:
        return None
    return Complete(folder, tuple(parts))

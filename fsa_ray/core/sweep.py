"""What lies under a root and serves nothing any more."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from fsa_ray.core.pipeline import RunIndex
from fsa_ray.core.record import RECORD, record_at
from fsa_ray.storage.claim import CLAIMS, traces_of
from fsa_ray.storage.folder import Folder

PARTS = {CLAIMS, RECORD, "attempts", "progress"}
"""All that a stage's folder holds."""
SILENCE = timedelta(hours=1)
"""After so long a driver on another host is dead, and who made a result without a name has read it; clocks need not
agree better."""


@dataclass(frozen=True)
class Waste:
    """A folder below the root that may go."""

    folder: str
    size: int  # bytes
    why: str


def sweep(root: Folder) -> list[Waste]:
    """Results that no named run and no evaluation refers to; of finished stages the progress and the attempts that
    the record does not name. Folders that somebody works in are left alone, and so is whatever no stage has made.

    While somebody works in a folder that no run refers to, as predict and evaluate do, none of these is waste: that
    work may read them. What it has made, and what that was made of, stays for an hour more: it is read at the end.
    """
    wanted, evaluations = _made_of(root, _named(root)), _evaluations(root)
    found: list[Waste] = []
    unnamed: list[str] = []
    young: set[str] = set()
    needed = False
    for folder in _results(root):
        named = folder in wanted or any(f"{folder}/" in evaluation for evaluation in evaluations)
        traces = traces_of(root / folder)
        silent = traces is None or datetime.now(UTC) - traces.seen > SILENCE
        if traces is not None and traces.at_work:
            needed = needed or not (named or silent)
        elif named:
            found.extend(_inside(root, folder))
        else:
            unnamed.append(folder)
            young |= set() if silent else {folder}
    if needed:
        return found
    kept = _made_of(root, young)
    return [*found, *(_waste(root, folder, "nothing refers to it") for folder in unnamed if folder not in kept)]


def _named(root: Folder) -> set[str]:
    """What the named runs consist of."""
    indices = [RunIndex.read(root, name) for name in RunIndex.names(root)]
    return {folder for index in indices if index is not None for folder in index.stages.values()}


def _made_of(root: Folder, folders: set[str]) -> set[str]:
    """These, and all that they were made of: answers asked again adopt those before them."""
    found: set[str] = set()
    waiting = set(folders)
    while waiting:
        folder = waiting.pop()
        found.add(folder)
        record = record_at(root, folder)
        waiting |= set() if record is None else {*record.inputs.values()} - found
    return found


def _evaluations(root: Folder) -> list[str]:
    """Their texts, which name the files that `compare` reads."""
    folder = root / "evaluations"
    return [folder.get(name).decode("utf-8") for name in folder.names() if name.endswith(".json")]


def _results(root: Folder) -> Iterator[str]:
    """The folders that stages have made, finished or not."""
    for stage in root.names():
        for name in (root / stage).names():
            if re.fullmatch("[0-9a-f]{12}", name):
                parts = set((root / stage / name).names())
                if parts and parts <= PARTS:
                    yield f"{stage}/{name}"


def _inside(root: Folder, folder: str) -> list[Waste]:
    if not (root / folder).exists(RECORD):
        return []
    record = (root / folder).get(RECORD).decode("utf-8")
    found = []
    if (root / folder / "progress").names() and f"{folder}/progress/" not in record:
        found.append(_waste(root, f"{folder}/progress", "the stage is done"))
    for attempt in (root / folder / "attempts").names():
        if f"{folder}/attempts/{attempt}/" not in record:
            found.append(_waste(root, f"{folder}/attempts/{attempt}", "not the attempt that was committed"))
    return found


def _waste(root: Folder, folder: str, why: str) -> Waste:
    return Waste(folder, sum(size for _, size in (root / folder).walk()), why)

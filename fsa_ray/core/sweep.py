"""What lies under a root and serves nothing any more."""

from dataclasses import dataclass

from fsa_ray.core.pipeline import RUNS, RunIndex
from fsa_ray.core.record import RECORD
from fsa_ray.storage.claim import holder_of
from fsa_ray.storage.folder import Folder

KEPT = {RUNS, "reports", "evaluations"}


@dataclass(frozen=True)
class Waste:
    """A folder below the root that may go."""

    folder: str
    size: int  # bytes
    why: str


def sweep(root: Folder) -> list[Waste]:
    """Results that no named run refers to; of finished stages the progress and the attempts that the record does not
    name. Folders that somebody works in are left alone."""
    named = {name: RunIndex.read(root, name) for name in RunIndex.names(root)}
    wanted = {folder for index in named.values() if index is not None for folder in index.stages.values()}
    found: list[Waste] = []
    for stage in root.names():
        if stage in KEPT:
            continue
        for fingerprint in (root / stage).names():
            folder = f"{stage}/{fingerprint}"
            if holder_of(root / folder) is not None:
                continue
            found.extend(_inside(root, folder) if folder in wanted else [_waste(root, folder, "no run refers to it")])
    return found


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

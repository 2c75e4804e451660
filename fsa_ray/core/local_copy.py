"""What lies on an object store, as files of this machine: libraries want directories.

Copies are kept in $XDG_CACHE_HOME/fsa_ray (or ~/.cache/fsa_ray), named by what they are copies of. Processes of one
machine wait for each other instead of copying the same twice.
"""

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from filelock import FileLock

from fsa_ray.core.artifact import DataFile
from fsa_ray.storage.folder import Folder

MODEL_FILES = ("*.safetensors", "*.json", "*.jinja", "*.model", "*.txt", "*.py")
"""Others hold the same weights in formats that are not read."""

MODEL_FOLDERS = ("[0-9]_*",)
"""Parts of a sentence-transformers model; other folders hold checkpoints and the like."""

MOST_BYTES = 4 << 30
"""Of outside data: a URL with more below it is probably not what was meant."""

Versions = dict[str, tuple[int, str]]


def local_directory(root: Folder, files: Sequence[DataFile]) -> str:
    """A directory here with these files, which lie in one folder below `root`.

    Raises ValueError for a file that is not what was committed.
    """
    folders = {file.key.rpartition("/")[0] for file in files}
    assert len(folders) == 1, "the files of a model lie in one folder"
    if root.is_local:
        return root.where(folders.pop())
    target = _cache("models", [file.sha256 for file in files])
    with _alone(target):
        for file in files:
            copy = target / file.key.rpartition("/")[2]
            if not copy.exists():
                root.fetch(file.key, copy, file.sha256)
    return str(target)


def model_here(path: str) -> str:
    """A directory of this machine (or a hub id): `path`, or if that is a URL, a copy of the model's files below it.

    Raises ValueError if they change meanwhile.
    """
    return path if "://" not in path else str(_copied(Folder(path.rstrip("/")), "models", _model_files))


def brought_here(location: str) -> str:
    """A path of this machine: `location`, or if that is the URL of a file or folder, a copy of what it is now.

    Raises ValueError if nothing is there, or more than MOST_BYTES, or if it changes meanwhile.
    """
    if "://" not in location:
        return location
    folder = Folder(location.rstrip("/"))
    versions = folder.versions()
    size = sum(size for size, _ in versions.values())
    if not versions:
        raise ValueError(f"{location}: there is nothing")
    if size > MOST_BYTES:
        raise ValueError(f"{location}: {size / 1e9:.1f} GB lie there, too much to copy; name what is needed of it")
    if versions.keys() != {"."}:
        return str(_copied(folder, "data", lambda found: found))
    above, _, name = folder.url.rpartition("/")  # it is a file
    return str(_copied(Folder(above), "data", lambda found: {name: found[name]}) / name)


def _model_files(found: Versions) -> Versions:
    return {name: version for name, version in found.items() if is_of_model(name)}


def is_of_model(name: str) -> bool:
    """Whether a file of a model's folder, named from there, is read."""
    path = Path(name)
    folder = str(path.parent)
    inside = folder == "." or any(fnmatch(folder, pattern) for pattern in MODEL_FOLDERS)
    return inside and any(fnmatch(path.name, pattern) for pattern in MODEL_FILES)


def _copied(folder: Folder, kind: str, wanted: Callable[[Versions], Versions]) -> Path:
    """`wanted` picks from the folder's versions."""
    versions: Versions = wanted(folder.versions())
    target = _cache(kind, [folder.url, versions])
    whole = target.with_name(f"{target.name}.whole")
    with _alone(target):
        if whole.exists():
            return target
        for name in versions:
            folder.fetch(name, target / name)
        if wanted(folder.versions()) != versions:
            raise ValueError(f"{folder.url} changed while it was copied; try again when nobody writes there")
        whole.touch()
    return target


def _alone(target: Path) -> FileLock:
    target.mkdir(parents=True, exist_ok=True)
    return FileLock(target.with_name(f"{target.name}.lock"))


def _cache(kind: str, identity: Any) -> Path:
    digest = hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:24]
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "fsa_ray" / kind / digest

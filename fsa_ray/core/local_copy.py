"""What lies on an object store, as files of this machine: libraries want directories.

Copies are kept in $XDG_CACHE_HOME/fsa_ray (or ~/.cache/fsa_ray), named by what they are copies of.
"""

import hashlib
import json
import os
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from fsa_ray.core.artifact import DataFile
from fsa_ray.storage.folder import Folder

MODEL_FILES = ("*.safetensors", "*.json", "*.jinja", "*.model", "*.txt", "*.py")
"""Others hold the same weights in formats that are not read."""

MOST_BYTES = 4 << 30
"""Of outside data: a URL with more below it is probably not what was meant."""


def local_directory(root: Folder, files: Sequence[DataFile]) -> str:
    """A directory here with these files, which lie in one folder below `root`.

    Raises ValueError for a file that is not what was committed.
    """
    folders = {file.key.rpartition("/")[0] for file in files}
    assert len(folders) == 1, "the files of a model lie in one folder"
    if root.is_local:
        return root.where(folders.pop())
    target = _cache("models", [file.sha256 for file in files])
    for file in files:
        copy = target / file.key.rpartition("/")[2]
        if not copy.exists():
            root.fetch(file.key, copy)
            if _digest(copy) != file.sha256:
                copy.unlink()
                raise ValueError(f"{root.url}/{file.key} was changed after it was committed; remove its stage's folder")
    return str(target)


def model_here(path: str) -> str:
    """A directory of this machine (or a hub id): `path`, or if that is a URL, a copy of the model's files below it."""
    if "://" not in path:
        return path
    found = Folder(path).versions().items()
    wanted = {name: version for name, version in found if any(fnmatch(name, pattern) for pattern in MODEL_FILES)}
    return str(_copied(Folder(path), wanted, "models"))


def brought_here(location: str) -> str:
    """A path of this machine: `location`, or if that is the URL of a file or folder, a copy of what it is now.

    Raises ValueError if nothing is there, or more than MOST_BYTES.
    """
    if "://" not in location:
        return location
    above, _, last = location.rstrip("/").rpartition("/")
    folder = Folder(location.rstrip("/"))
    versions = folder.versions()
    if set(versions) == {"."}:  # it is a file
        return str(_copied(Folder(above), {last: versions["."]}, "data") / last)
    if not versions:
        raise ValueError(f"{location}: there is nothing")
    size = sum(int(tag.partition(" ")[0]) for tag in versions.values())
    if size > MOST_BYTES:
        raise ValueError(f"{location}: {size / 1e9:.1f} GB lie below it, too much to copy here; name a smaller folder")
    return str(_copied(folder, versions, "data"))


def _copied(folder: Folder, versions: dict[str, str], kind: str) -> Path:
    target = _cache(kind, [folder.url, versions])
    for name in versions:
        if not (target / name).exists():
            folder.fetch(name, target / name)
    return target


def _cache(kind: str, identity: Any) -> Path:
    digest = hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:24]
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "fsa_ray" / kind / digest


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()

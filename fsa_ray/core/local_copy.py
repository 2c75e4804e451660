"""Files of a model, or of anything else that libraries want as a directory, on this machine."""

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path

from fsa_ray.core.artifact import DataFile
from fsa_ray.storage.folder import Folder


def local_directory(root: Folder, files: Sequence[DataFile]) -> str:
    """A directory here with these files, which lie in one folder below `root`.

    From an object store they are fetched once for this machine, into $XDG_CACHE_HOME/fsa_ray/models (or ~/.cache), and
    named by their content. Raises ValueError for a file that is not what was committed.
    """
    folders = {file.key.rpartition("/")[0] for file in files}
    assert len(folders) == 1, "the files of a model lie in one folder"
    if root.is_local:
        return root.where(folders.pop())
    digest = hashlib.sha256(json.dumps([file.sha256 for file in files]).encode()).hexdigest()[:24]
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "fsa_ray" / "models"
    target = Folder(str(cache / digest))
    for file in files:
        name = file.key.rpartition("/")[2]
        if not target.exists(name):
            data = root.get(file.key)
            if hashlib.sha256(data).hexdigest() != file.sha256:
                raise ValueError(f"{root.url}/{file.key} was changed after it was committed; remove its stage's folder")
            target.put(name, data)
    return target.path

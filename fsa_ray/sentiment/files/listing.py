"""Which files a path means, and what exactly they are."""

import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath

from fsa_ray.storage.folder import Folder

LINES = (".jsonl", ".ndjson")
STRUCTURED = (*LINES, ".json", ".csv", ".tsv", ".parquet", ".arrow")
DATASET_STATE, DATASET_SPLITS = "state.json", "dataset_dict.json"  # what `datasets` `save_to_disk` leaves
DATASET_OWN = (DATASET_STATE, "dataset_info.json")


@dataclass(frozen=True)
class Listing:
    """`files` are relative to `folder`, in the order of reading; `ignored` are files that hold no reviews."""

    folder: Folder
    files: tuple[str, ...]
    ignored: tuple[str, ...] = ()


@dataclass(frozen=True)
class PinnedFile:
    """`digest` is `sha256:…`, or `etag:…` where an object store knows one."""

    name: str
    size: int  # bytes
    digest: str


def listing(path: str) -> Listing:
    """The readable files at `path`, a file or a folder on any file system that fsspec knows.

    A folder is walked to its leaves; text files count only where nothing else in it can be read, since a README.txt
    is not a review. A folder written by `datasets` gives its own data files. Raises ValueError if there is nothing.
    """
    folder = Folder(str(path).rstrip("/") or "/")
    if folder.fs.isfile(folder.path):
        return _single(folder)
    if not folder.fs.isdir(folder.path):
        raise ValueError(f"{path}: no such file or folder")
    names = [name for name, _ in folder.walk() if not _hidden(name)]
    if DATASET_SPLITS in names:
        splits = json.loads(folder.get(DATASET_SPLITS)).get("splits", [])
        raise ValueError(f"{path}: this dataset has splits; name one of them: {path}/{{{','.join(splits)}}}")
    if DATASET_STATE in names:
        files = tuple(part["filename"] for part in json.loads(folder.get(DATASET_STATE)).get("_data_files", []))
    else:
        files = tuple(name for name in names if suffix(name) in STRUCTURED)
        files = files or tuple(name for name in names if suffix(name) == ".txt")
    if not files:
        raise ValueError(f"{path}: no {', '.join(STRUCTURED)} or .txt file in this folder")
    own = DATASET_OWN if DATASET_STATE in names else ()
    return Listing(folder, files, tuple(name for name in names if name not in (*files, *own)))


def pin(path: str) -> tuple[PinnedFile, ...]:
    """The files that `read` would read, by content: what makes a source stage's identity."""
    found = listing(path)
    return tuple(_pin(found.folder, name) for name in found.files)


def suffix(name: str) -> str:
    """Lower-case extension, without `.gz`."""
    path = PurePosixPath(name.lower())
    return path.with_suffix("").suffix if path.suffix == ".gz" else path.suffix


def _single(path: Folder) -> Listing:
    parent, _, name = path.url.rpartition("/")
    if suffix(name) not in (*STRUCTURED, ".txt"):
        known = ", ".join((*STRUCTURED, ".txt"))
        raise ValueError(f"{path.url}: the extension is not one of {known} (each may end in .gz)")
    return Listing(Folder(parent or ("/" if path.url.startswith("/") else ".")), (name,))


def _pin(folder: Folder, name: str) -> PinnedFile:
    info = folder.fs.info(folder.where(name))
    etag = info.get("ETag")
    if etag:
        return PinnedFile(name, int(info["size"]), "etag:" + str(etag).strip('"'))
    return PinnedFile(name, int(info["size"]), _digest(folder, name, str(sorted(info.items()))))


@lru_cache(maxsize=4096)
def _digest(folder: Folder, name: str, told: str) -> str:
    """`told` is all that the file system says of it. The cells of a grid pin the same files, which are read once."""
    digest = hashlib.sha256()
    with folder.fs.open(folder.where(name), "rb") as stream:
        while block := stream.read(1 << 22):
            digest.update(block)
    return "sha256:" + digest.hexdigest()


def _hidden(name: str) -> bool:
    return any(part.startswith((".", "_")) for part in PurePosixPath(name).parts)

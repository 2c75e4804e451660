"""A folder on any fsspec file system, with the two writes that the commit protocol needs."""

import errno
import hashlib
import os
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

import fsspec
import pyarrow.fs as pafs

CONFLICTS = 20  # tries of an exclusive write that meets another one under way


@dataclass(frozen=True)
class Folder:
    """`url` names a folder: a local path or a URL that fsspec knows (s3://bucket/prefix, memory://x).

    Nothing is created until something is written. A Folder is small and can be sent to any worker.
    """

    url: str

    def __post_init__(self) -> None:
        if "://" not in self.url:  # a worker may stand in another directory
            object.__setattr__(self, "url", str(Path(self.url).expanduser().absolute()))

    @cached_property
    def fs(self) -> Any:
        """Raises ValueError if the URL's scheme is not known or its package is not installed."""
        if self.url.startswith(("s3://", "s3a://")):
            from fsa_ray.storage.s3 import S3  # half a second, for those who need it

            return S3()
        try:
            return fsspec.url_to_fs(self.url)[0]
        except (ImportError, ValueError) as error:
            raise ValueError(f"{self.url}: {error}; folders and s3:// need nothing more") from error

    @cached_property
    def path(self) -> str:
        """The folder's path as its file system wants it, without a trailing slash."""
        path: str = self.fs._strip_protocol(self.url)
        return path.rstrip("/")

    @property
    def is_local(self) -> bool:
        return "file" in ((self.fs.protocol,) if isinstance(self.fs.protocol, str) else self.fs.protocol)

    def __truediv__(self, name: str) -> "Folder":
        return Folder(f"{self.url.rstrip('/')}/{_relative(name)}")

    def where(self, name: str) -> str:
        return f"{self.path}/{_relative(name)}"

    def put(self, name: str, data: bytes) -> None:
        """Write or replace `name`. A reader sees the old bytes or the new ones, never a part."""
        if self.is_local:
            temporary = self._temporary(name, data)
            try:
                temporary.replace(self.where(name))
            except OSError:
                temporary.unlink(missing_ok=True)
                raise
        else:
            self.fs.pipe_file(self.where(name), data)

    def put_exclusive(self, name: str, data: bytes) -> bool:
        """Write `name` if nobody has; True for the one caller that did. Atomic also when the writer dies.

        A write whose answer is lost on the way is tried again and then meets itself: so what counts on an object store
        is whose data is there, and callers that must tell themselves apart write different data.
        """
        if self.exists(name):  # a store that knows no condition would overwrite it; see `fsa_ray.storage.race`
            return not self.is_local and self.get(name) == data
        return self.create(name, data)

    def create(self, name: str, data: bytes) -> bool:
        """`put_exclusive` without a look beforehand: all depends on the condition of the storage's own write."""
        if not self.is_local:
            return self._create_object(name, data)
        temporary = self._temporary(name, data)
        try:
            os.link(temporary, self.where(name))
        except FileExistsError:
            return temporary.samefile(self.where(name))  # over NFS, a repeated request meets itself
        finally:
            temporary.unlink()
        return True

    def get(self, name: str) -> bytes:
        """Raises FileNotFoundError."""
        data: bytes = self.fs.cat_file(self.where(name))
        return data

    def piece(self, name: str, start: int, end: int) -> bytes:
        """The bytes from `start` up to `end`. Raises FileNotFoundError."""
        data: bytes = self.fs.cat_file(self.where(name), start=start, end=end)
        return data

    def fetch(self, name: str, target: Path, sha256: str | None = None) -> None:
        """Copy a file of any size to this machine; `target` is there whole or not at all.

        Raises FileNotFoundError, and ValueError if it has another digest than `sha256`.
        """
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex}.part")
        try:
            self.fs.get_file(self.where(name), str(temporary))
            with temporary.open("rb+") as stream:
                if sha256 is not None and hashlib.file_digest(stream, "sha256").hexdigest() != sha256:
                    raise ValueError(f"{self.url}/{name} was changed after it was committed; remove its stage's folder")
                os.fsync(stream.fileno())
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)

    def exists(self, name: str) -> bool:
        self.fs.invalidate_cache()
        return bool(self.fs.exists(self.where(name)))

    def names(self) -> list[str]:
        """Names of what lies directly in the folder, sorted; empty if there is no such folder."""
        self.fs.invalidate_cache()
        try:
            entries = self.fs.ls(self.path, detail=False)
        except (FileNotFoundError, NotADirectoryError):
            return []
        return sorted(PurePosixPath(entry).name for entry in entries if not _is_temporary(entry))

    def walk(self) -> Iterator[tuple[str, int]]:
        """(name relative to the folder, bytes) of every file below it, sorted."""
        for name, info in self._files():
            yield name, int(info["size"])

    def versions(self) -> dict[str, tuple[int, str]]:
        """Every file below the folder: its bytes, and a text that changes when it does. A file itself is called `.`."""
        return {name: (int(info["size"]), str(sorted(info.items(), key=str))) for name, info in self._files()}

    def modified(self, name: str) -> datetime:
        """By the storage's own clock. Raises FileNotFoundError."""
        self.fs.invalidate_cache()
        when: datetime = self.fs.modified(self.where(name))
        return when if when.tzinfo else when.replace(tzinfo=UTC)

    def remove(self, name: str) -> None:
        """Remove a file or a whole folder; nothing happens if it is not there."""
        if self.exists(name):
            self.fs.rm(self.where(name), recursive=True)

    def arrow(self) -> pafs.FileSystem:
        """The same file system for pyarrow; paths are those of `where`."""
        return pafs.LocalFileSystem() if self.is_local else pafs.PyFileSystem(pafs.FSSpecHandler(self.fs))

    def _files(self) -> Iterator[tuple[str, dict[str, Any]]]:
        self.fs.invalidate_cache()
        for path, info in sorted(self.fs.find(self.path, detail=True).items()):
            if not (_is_temporary(path) or path.endswith("/")):  # some tools mark folders by empty objects
                yield str(PurePosixPath(path).relative_to(self.path)), info

    def _create_object(self, name: str, data: bytes) -> bool:
        for _ in range(CONFLICTS):
            try:
                self.fs.pipe_file(self.where(name), data, mode="create")
            except OSError as error:
                code = _error_code(error)
                if isinstance(error, FileExistsError) or code in ("PreconditionFailed", "412", "NoSuchUpload"):
                    return self.get(name) == data
                if code in ("ConditionalRequestConflict", "409"):
                    time.sleep(0.5)  # another write is under way; whether it succeeds is known soon
                    continue
                if not _refuses_condition(error):
                    raise
                self.fs.pipe_file(self.where(name), data)  # as where the condition is ignored; the race finds out both
            return True
        raise OSError(f"{self.where(name)}: the store answers every exclusive write with a conflict")

    def _temporary(self, name: str, data: bytes) -> Path:
        target = Path(self.where(name))
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
        except FileNotFoundError as error:  # as in /proc
            raise PermissionError(errno.EACCES, "no folder can be made there", str(target.parent)) from error
        temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex}.part")
        try:
            with temporary.open("wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        return temporary


def _error_code(error: OSError) -> str:
    """The object store's own code; not every store gives s3fs the message by which it knows a failed precondition."""
    return str(_response(error).get("Error", {}).get("Code", ""))


def _refuses_condition(error: OSError) -> bool:
    """Whether the store takes no conditional writes: some say so, some find fault with the header."""
    status, answer = _response(error).get("ResponseMetadata", {}).get("HTTPStatusCode"), _response(error).get("Error")
    return _error_code(error) in ("NotImplemented", "501") or (status == 400 and "if-none-match" in str(answer).lower())


def _response(error: OSError) -> dict[str, Any]:
    return getattr(error.__cause__, "response", None) or {}


def _relative(name: str) -> str:
    parts = PurePosixPath(name).parts
    if not parts or ".." in parts or name.startswith("/"):
        raise ValueError(f"{name!r} is not a path inside a folder")
    return "/".join(parts)


def _is_temporary(path: str) -> bool:
    name = PurePosixPath(path).name
    return name.startswith(".") and name.endswith(".part")

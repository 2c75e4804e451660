"""Bytes of a file as UTF-8 in blocks of whole lines, whatever it was packed in."""

import codecs
import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any, cast

from fsa_ray.storage.folder import Folder

BLOCK_BYTES = 4 << 20
LONGEST_LINE = 64 << 20  # bytes; a longer one is refused, so that memory stays bounded
UTF16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


@dataclass(frozen=True)
class Block:
    """Whole lines; `first` is the number of the first one, from 1. A `cut` block is the start of a line too long."""

    first: int
    data: bytes
    cut: bool = False


@contextmanager
def unpacked(folder: Folder, name: str) -> Iterator[IO[bytes]]:
    """The file's bytes, unpacked if it is gzip. Raises ValueError naming the file if the packing is damaged."""
    with folder.fs.open(folder.where(name), "rb") as raw:
        if not name.lower().endswith(".gz"):
            yield raw
            return
        try:
            yield cast(IO[bytes], gzip.GzipFile(fileobj=raw))
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise ValueError(f"{name}: the gzip file is damaged ({error}); pack it again") from error


@contextmanager
def opened(folder: Folder, name: str) -> Iterator[IO[bytes]]:
    """As `unpacked`, as UTF-8 without a byte order mark. UTF-16 is told by its mark; any other text passes as it is."""
    with unpacked(folder, name) as raw:
        head = raw.read(3)
        if head[:2] in UTF16:
            raw.seek(2)
            yield io.BufferedReader(_Utf16(raw, UTF16[head[:2]]), BLOCK_BYTES)
        else:
            raw.seek(3 if head == codecs.BOM_UTF8 else 0)
            yield raw


def blocks(stream: IO[bytes], size: int = BLOCK_BYTES) -> Iterator[Block]:
    """The stream cut after line ends, each block about `size` bytes or one line."""
    line, pending = 1, b""
    while data := stream.read(size):
        joined = pending + data
        end = joined.rfind(b"\n") + 1
        if end:
            yield Block(line, joined[:end])
            line += joined.count(b"\n", 0, end)
        pending = joined[end:]
        if len(pending) > LONGEST_LINE:
            yield Block(line, pending[:1000], cut=True)
            pending = _after_line_end(stream, size)
            line += 1
    if pending:
        yield Block(line, pending)


def _after_line_end(stream: IO[bytes], size: int) -> bytes:
    while data := stream.read(size):
        if (end := data.find(b"\n")) >= 0:
            return data[end + 1 :]
    return b""


class _Utf16(io.RawIOBase):
    """A UTF-16 stream read as UTF-8. What is not valid UTF-16 is not valid UTF-8 afterwards, so it is found there."""

    def __init__(self, raw: IO[bytes], encoding: str) -> None:
        self._raw = raw
        self._decoder = codecs.getincrementaldecoder(encoding)(errors="surrogatepass")
        self._ready = b""
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready and not self._ended:
            data = self._raw.read(1 << 20)
            self._ended = not data
            self._ready = self._utf8(data)
        count = min(len(buffer), len(self._ready))
        buffer[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count

    def _utf8(self, data: bytes) -> bytes:
        try:
            return self._decoder.decode(data, final=not data).encode("utf-8", "surrogatepass")
        except UnicodeDecodeError:  # half a character at the end
            return b"\xff"

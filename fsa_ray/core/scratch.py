"""A file for a while, for what is too much for the memory."""

import errno
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class ScratchFull(Exception):
    """The folder of temporary files has no room; says which, for what, and the mend."""


@contextmanager
def scratch_file(what: str, size: int = 0) -> Iterator[IO[bytes]]:
    """An unnamed file below TMPDIR in which `size` bytes are reserved: a disk that fills up while a mapped file is
    written to would be the end of the process, without a word. Raises ScratchFull, then or when the file is written."""
    with tempfile.TemporaryFile() as file:
        try:
            if size and sys.platform == "linux":
                os.posix_fallocate(file.fileno(), 0, size)
            yield file
        except OSError as error:
            if error.errno not in _FULL:
                raise
            needed = f", {size / 1e9:.1f} GB" if size else ""
            raise ScratchFull(
                f"{tempfile.gettempdir()} has no room for {what}{needed} ({error.strerror}); make room, or name "
                "another folder by TMPDIR"
            ) from None

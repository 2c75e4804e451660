"""Exit codes, and the one place where an exception becomes a message for the user."""

import errno
import os
import traceback
from collections.abc import Callable, Iterator
from enum import IntEnum
from functools import wraps
from pathlib import Path
from typing import Any

import typer
from rich.text import Text


class Exit(IntEnum):
    """What the process says of how it ended."""

    DONE = 0
    FAILED = 1
    MISTAKE = 2
    HELD = 3
    INTERRUPTED = 130


UNWRITABLE = {errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR}


def guarded(command: Callable[..., Any]) -> Callable[..., None]:
    """`command` with its errors told to the user, and its exit code as the process's."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> None:
        try:
            code = command(*args, **kwargs)
        except KeyboardInterrupt:
            code = _tell(KeyboardInterrupt(), Exit.INTERRUPTED, "interrupted; run the same command again to go on")
        except Exception as error:
            code = _tell(error, *_told(error, kwargs.get("root")))
        if code:
            raise typer.Exit(int(code))

    return run


def _tell(error: BaseException, code: Exit, message: str) -> Exit:
    """`FSA_RAY_DEBUG=1` adds the traceback."""
    from fsa_ray.cli.console import stderr

    stderr.print("[bold red]error:[/]", Text(message), highlight=False, soft_wrap=True)
    if os.environ.get("FSA_RAY_DEBUG"):
        stderr.print(Text("".join(traceback.format_exception(error))), soft_wrap=True)
    return code


def _told(error: Exception, root: str | None = None) -> tuple[Exit, str]:
    from fsa_ray.core.budget import BudgetReached
    from fsa_ray.core.runner import StageFailed, is_mistake
    from fsa_ray.storage.claim import ClaimHeld, ClaimLost
    from fsa_ray.storage.trouble import StoreRefuses, StoreSilent

    store = next((cause for cause in _causes(error) if isinstance(cause, StoreRefuses | StoreSilent)), None)
    if isinstance(store, StoreRefuses):
        return Exit.MISTAKE, str(store)
    if store is not None and not isinstance(error, StageFailed):
        return Exit.FAILED, f"{store}; then run the same command to go on"
    os_error = next((cause for cause in _causes(error) if isinstance(cause, OSError) and cause.errno is not None), None)
    if os_error is not None and os_error.errno in UNWRITABLE:
        mend = "choose a place you may write with --root"
        if not _is_of(root, os_error.filename):
            mend = "name another one, or see to it that you may read and write there"
        return Exit.MISTAKE, f"{os_error.strerror}: {os_error.filename}; {mend}"
    if os_error is not None and os_error.errno == errno.ENOSPC:
        return Exit.FAILED, f"the disk is full ({os_error.filename}); make room and run the same command to go on"
    if isinstance(error, ClaimHeld | ClaimLost):
        return Exit.HELD, str(error)
    if is_mistake(error):
        return Exit.MISTAKE, str(error)
    if isinstance(error, BudgetReached):
        return Exit.FAILED, str(error)
    if isinstance(error, StageFailed):
        return Exit.FAILED, f"{error}\nwhat it had finished is kept; run the same command to go on"
    return Exit.FAILED, f"{type(error).__name__}: {error}"


def _is_of(root: str | None, path: Any) -> bool:
    """Whether `path` lies below the root, or is a folder in which the root was to be made."""
    if root is None or "://" in root or not isinstance(path, str | os.PathLike):
        return False
    there, found = Path(root).expanduser().absolute(), Path(os.fsdecode(path)).absolute()
    return found.is_relative_to(there) or there.is_relative_to(found)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__

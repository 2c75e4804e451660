"""Exit codes, and the one place where an exception becomes a message for the user."""

import errno
import os
import traceback
from enum import IntEnum

import click

from fsa_ray.cli.console import stderr
from fsa_ray.core.runner import StageFailed
from fsa_ray.storage.claim import ClaimHeld, ClaimLost


class Exit(IntEnum):
    """What the process says of how it ended."""

    DONE = 0
    FAILED = 1
    MISTAKE = 2
    HELD = 3
    INTERRUPTED = 130


UNWRITABLE = {errno.EROFS, errno.EACCES, errno.EPERM}


def explained(error: BaseException) -> Exit:
    """Print what happened and what to do; `FSA_RAY_DEBUG=1` adds the traceback."""
    if isinstance(error, SystemExit):
        return Exit(error.code) if isinstance(error.code, int) else Exit.FAILED
    if isinstance(error, click.exceptions.Exit):
        return Exit(error.exit_code)
    code, message = _told(error)
    if message:
        stderr.print(f"[bold red]error:[/] {_escaped(message)}", highlight=False, soft_wrap=True)
    if os.environ.get("FSA_RAY_DEBUG"):
        stderr.print("".join(traceback.format_exception(error)), markup=False, highlight=False)
    return code


def _told(error: BaseException) -> tuple[Exit, str]:
    if isinstance(error, KeyboardInterrupt | click.exceptions.Abort):
        return Exit.INTERRUPTED, "interrupted; run the same command again to go on"
    if isinstance(error, click.UsageError):
        return Exit.MISTAKE, error.format_message()
    if isinstance(error, ClaimHeld):
        return Exit.HELD, str(error)
    if isinstance(error, ClaimLost):
        return Exit.HELD, str(error)
    os_error = _os_error(error)
    if os_error is not None and os_error.errno in UNWRITABLE:
        return Exit.MISTAKE, f"{os_error.strerror}: {os_error.filename}; choose a place you may write with --root"
    if os_error is not None and os_error.errno == errno.ENOSPC:
        return Exit.FAILED, f"the disk is full ({os_error.filename}); make room and run the same command to go on"
    if isinstance(error, ValueError):
        return Exit.MISTAKE, str(error)
    if isinstance(error, StageFailed):
        return Exit.FAILED, f"{error}\nwhat it had finished is kept; run the same command to go on"
    return Exit.FAILED, f"{type(error).__name__}: {error}"


def _os_error(error: BaseException | None) -> OSError | None:
    while error is not None:
        if isinstance(error, OSError) and error.errno is not None:
            return error
        error = error.__cause__
    return None


def _escaped(text: str) -> str:
    return text.replace("[", r"\[")

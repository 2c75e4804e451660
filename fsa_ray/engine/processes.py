"""The processes of a Ray that this process started, and their end.

A worker that leaves while Ray publishes may wait for ever in its own destructors (seen in Ray 2.60, in the controllers
of Ray Train); when the raylet is gone nobody ends it.
"""

import time

import psutil
from ray._private import worker

_LEAVE_SECONDS = 5.0
_POLL_SECONDS = 0.05


def of_own_ray() -> list[psutil.Process]:
    """What `ray.init` started here, and all that came of it; nothing where it joined a Ray."""
    node = worker._global_node
    found: list[psutil.Process] = []
    for started in node.all_processes.values() if node is not None else ():
        for info in started:
            try:
                process = psutil.Process(info.process.pid)
                found += [process, *process.children(recursive=True)]
            except psutil.NoSuchProcess:
                continue
    return found


def end(processes: list[psutil.Process]) -> None:
    """Kill those that are still there after a while."""
    deadline = time.monotonic() + _LEAVE_SECONDS
    while (left := [process for process in processes if _lives(process)]) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    for process in left:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False

"""Whether a storage lets exactly one of many writers create a file, found out by racing."""

import os
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor

from fsa_ray.storage.folder import Folder

RACERS = 8
ROUNDS = 3
PROMISE = "FSA_RAY_ONLY_DRIVER"


def most_winners(folder: Folder) -> int:
    """The most of RACERS writers at once that were told to have created the same file; 1 is as it should be."""
    with ThreadPoolExecutor(RACERS) as racers:
        return max(_winners(folder, racers) for _ in range(ROUNDS))


def refuse_without_exclusive_create(root: Folder) -> None:
    """Claims do not hold on a storage that lets several win. ValueError, unless the user promises by the variable
    FSA_RAY_ONLY_DRIVER that no other driver works below `root`: then there is nobody to lose to."""
    if root.is_local or os.environ.get(PROMISE) == "1":
        return
    winners = most_winners(root)
    if winners != 1:
        raise ValueError(
            f"{root.url}: {winners} of {RACERS} writers at once created the same file, so that two drivers could work "
            "on the same stage unseen; use a storage with conditional writes (If-None-Match), or set "
            f"{PROMISE}=1 and see to it that only one driver runs below this root at a time"
        )


def _winners(folder: Folder, racers: ThreadPoolExecutor) -> int:
    name, barrier = f"race-{uuid.uuid4().hex}", threading.Barrier(RACERS)

    def run(number: int) -> bool:
        barrier.wait(timeout=60)
        return folder.create(name, str(number).encode())

    try:
        return sum(racers.map(run, range(RACERS)))
    finally:
        folder.remove(name)

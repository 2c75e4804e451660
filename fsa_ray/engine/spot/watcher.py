"""From a cloud's notice to one drain."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, repeat

from fsa_ray.engine.spot.metadata import Unreadable
from fsa_ray.engine.spot.notice import Cloud, Notice

_PROBES = 3

log = logging.getLogger(__name__)


class NotDrained(Exception):
    """Ray did not take the drain."""


def cloud_here(clouds: Sequence[Cloud], sleep: Callable[[float], None] = time.sleep) -> Cloud:
    """The first of these clouds whose metadata server answers. Raises ValueError if none does."""
    pauses = _pauses()
    troubles: list[str] = []
    for attempt in range(_PROBES):
        if attempt:
            sleep(next(pauses))
        troubles = []
        for cloud in clouds:
            try:
                cloud.probe()
            except Unreadable as trouble:
                troubles.append(f"{cloud.name}: {trouble}")
            else:
                return cloud
    raise ValueError(
        f"no metadata server answers ({'; '.join(troubles)}). Spot notices exist on EC2 and GCE machines only; in a "
        "container on EC2 the machine's metadata hop limit must be 2"
    )


def watch(cloud: Cloud, drain: Callable[[Notice], None], sleep: Callable[[float], None] = time.sleep) -> None:
    """Wait for the notice, however long and whatever the server does meanwhile, and drain once.

    Raises NotDrained if Ray has not taken the drain when the machine's time is up.
    """
    notice = _awaited(cloud, sleep)
    log.warning("%s, in %.0f s", notice.what, notice.ends_at - time.time())
    pauses = _pauses()
    while True:
        try:
            drain(notice)
            return
        except NotDrained as trouble:
            if time.time() >= notice.ends_at:
                raise
            log.warning("%s; trying again", trouble)
            sleep(next(pauses))


def _awaited(cloud: Cloud, sleep: Callable[[float], None]) -> Notice:
    pauses: Iterator[float] | None = None
    while True:
        try:
            notice = cloud.notice()
        except Unreadable as trouble:
            if pauses is None:
                log.warning("%s; trying until it answers", trouble)
                pauses = _pauses()
            sleep(next(pauses))
            continue
        if pauses is not None:
            log.warning("%s's metadata server answers again", cloud.name)
            pauses = None
        if notice is not None:
            return notice
        sleep(cloud.pause_s)


def _pauses() -> Iterator[float]:
    """At most five seconds: a notice may leave thirty."""
    return chain((0.5, 1.0, 2.0, 4.0), repeat(5.0))

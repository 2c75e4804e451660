"""Ends a Ray of its own in which an actor never finishes leaving; `leaving_driver.py FILE` gets its process id."""

import atexit
import os
import sys
import time
from pathlib import Path

import ray

from fsa_ray.engine.placement import RayPlacement
from fsa_ray.engine.session import Session


@ray.remote(num_cpus=0)
class Lingering:
    def leave(self, news: str) -> None:
        atexit.register(linger, Path(news))
        ray.actor.exit_actor()


def linger(news: Path) -> None:
    news.write_text(str(os.getpid()))
    time.sleep(3600)


def main() -> None:
    with Session(RayPlacement(logical_cpus=4, object_store_mib=80)) as session:
        session.start_ray()
        actor = Lingering.remote()
        actor.leave.remote(sys.argv[1])
        while not Path(sys.argv[1]).exists():
            time.sleep(0.1)


if __name__ == "__main__":
    main()

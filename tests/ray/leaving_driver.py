"""Ends a Ray of its own in which an actor never finishes leaving; prints the actor's process id."""

import atexit
import os
import sys
import time

import ray

from fsa_ray.engine.placement import RayPlacement
from fsa_ray.engine.session import Session


@ray.remote(num_cpus=0)
class Lingering:
    def pid(self) -> int:
        atexit.register(time.sleep, 3600)
        return os.getpid()

    def leave(self) -> None:
        ray.actor.exit_actor()


def main() -> None:
    with Session(RayPlacement(logical_cpus=4, object_store_mib=80)) as session:
        session.start_ray()
        actor = Lingering.remote()
        pid = ray.get(actor.pid.remote())
        actor.leave.remote()
        time.sleep(2)
        os.kill(pid, 0)  # it lingers
    sys.stdout.write(f"{pid}\n")


if __name__ == "__main__":
    main()

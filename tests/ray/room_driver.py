"""Asks an autoscaling Ray for room, as a program of its own: `room_driver.py NEED NUMBERS`; prints what came of it."""

import json
import sys
import time

import ray

from fsa_ray.engine.room import require_room


def main() -> None:
    need, numbers = json.loads(sys.argv[1]), json.loads(sys.argv[2])
    ray.init(address="auto", log_to_driver=False)
    said, number = "", 0
    try:
        number = require_room(
            "train", numbers, need, growth="train.autoscaling", grows=True, timeout_s=120, patience_s=10
        )
    except ValueError as error:
        said = str(error)
    nodes = len(_alive())
    deadline = time.monotonic() + 60
    while len(_alive()) > 1 and time.monotonic() < deadline:
        time.sleep(1)
    sys.stdout.write(
        json.dumps({"said": said, "number": number, "nodes": nodes, "nodes_at_last": len(_alive())}) + "\n"
    )


def _alive() -> list[object]:
    return [node for node in ray.nodes() if node["Alive"]]


if __name__ == "__main__":
    main()

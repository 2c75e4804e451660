"""A driver that trains on two machines of a cluster of its own and loses one: `losing_driver.py ROOT NAME FAULT`.

FAULT: none, drain, kill (the other worker goes on alone) or replace (killed, and another machine comes).
The head trains nothing.
"""

import sys
import threading
import time
from pathlib import Path

import ray
from ray._raylet import GcsClient
from ray.cluster_utils import Cluster

from fsa_ray.engine.spot.drain import drain_nodes
from fsa_ray.engine.spot.notice import Notice
from fsa_ray.engine.train import TrainPlacement
from fsa_ray.storage.folder import Folder
from fsa_ray.training.run import train
from tests.ray.train_driver import job, newest_step

STEPS, EVERY = 160, 40
PLACEMENT = TrainPlacement(workers=2, min_workers=1, micro_batch=2, zero_stage=2, start_timeout_s=120)
ALWAYS_TWO = PLACEMENT.model_copy(update={"min_workers": None})
SMALL = {"object_store_memory": 80 << 20, "include_dashboard": False}


def lose(cluster: Cluster, node: object, fault: str, progress: Path) -> None:
    """As soon as there is a checkpoint of both workers."""
    while newest_step(progress) == 0:
        time.sleep(0.05)
    if fault in ("kill", "replace"):
        cluster.remove_node(node, allow_graceful=False)
        if fault == "replace":
            cluster.add_node(num_cpus=1, **SMALL)
    else:
        drain_nodes(
            GcsClient(address=cluster.address), [node.node_id], Notice("a test takes the machine", time.time() + 60)
        )


def main(folder: str, name: str, fault: str) -> None:
    root = Folder(folder)
    # Ray's hooks at exit cannot be set by the thread that adds a machine.
    cluster = Cluster(initialize_head=True, head_node_args={**SMALL, "num_cpus": 0}, shutdown_at_exit=False)
    try:
        nodes = [cluster.add_node(num_cpus=1, **SMALL) for _ in range(2)]
        ray.init(address=cluster.address, log_to_driver=False, logging_level="error")
        given = job(root, name, max_steps=STEPS, checkpoint_every=EVERY)
        if fault != "none":
            losing = (cluster, nodes[1], fault, Path(given.progress.path))
            threading.Thread(target=lose, args=losing, daemon=True).start()
        outcome = train(given, ALWAYS_TWO if fault == "replace" else PLACEMENT)
    finally:
        ray.shutdown()
        cluster.shutdown()
    sys.stdout.write(outcome.model_dump_json())


if __name__ == "__main__":
    main(*sys.argv[1:])

"""watch-spot: beside `ray start` on every machine that the cloud may take away."""

from typing import Annotated, Literal

import typer

LINK_LOCAL = "http://169.254.169.254"


def watch_spot(
    cloud: Annotated[Literal["auto", "ec2", "gce"], typer.Option(help="Whose notices.")] = "auto",
    address: Annotated[str | None, typer.Option(help="Ray's address; by default this machine's `ray start`.")] = None,
    node_ip: Annotated[str | None, typer.Option(help="What `ray start --node-ip-address` was told here.")] = None,
    rebalance: Annotated[
        bool, typer.Option("--rebalance", help="Leave at EC2's rebalance recommendation already.")
    ] = False,
    gce_notice_s: Annotated[float, typer.Option(min=1, help="How long a preempted GCE machine lives on.")] = 30.0,
    ec2_metadata: Annotated[str, typer.Option(help="EC2's metadata server.")] = LINK_LOCAL,
    gce_metadata: Annotated[str, typer.Option(help="GCE's metadata server.")] = LINK_LOCAL,
) -> None:
    """Wait for the spot notice of this machine, then drain its Ray node."""
    import logging

    from fsa_ray.engine.spot.drain import Machine
    from fsa_ray.engine.spot.ec2 import Ec2
    from fsa_ray.engine.spot.gce import Gce
    from fsa_ray.engine.spot.watcher import NotDrained, cloud_here, watch

    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s")
    log = logging.getLogger("fsa_ray.engine.spot")
    log.setLevel(logging.INFO)
    ec2, gce = Ec2(ec2_metadata, rebalance=rebalance), Gce(gce_metadata, notice_s=gce_notice_s)
    found = cloud_here({"auto": (gce, ec2), "gce": (gce,), "ec2": (ec2,)}[cloud])
    machine = Machine(address, node_ip)
    try:
        nodes = machine.nodes()
    except NotDrained as error:
        raise ValueError(
            f"{error}. Run this after `ray start`, with its --address and --node-ip if it had any"
        ) from None
    log.info("watching for %s spot notices, to drain %s", found.name, ", ".join(nodes))
    watch(found, machine.drain)


COMMANDS = (watch_spot,)

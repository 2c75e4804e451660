"""A driver of toy stages that exports metrics, and stops where it is told to: ROOT PORT."""

import sys
import time
from pathlib import Path

from fsa_ray.core.beat import Beat
from fsa_ray.core.plan import plan
from fsa_ray.core.prices import Prices
from fsa_ray.core.runner import Audience
from fsa_ray.core.stage import StageContext
from fsa_ray.engine.metrics import Metrics
from fsa_ray.engine.placement import RayPlacement
from fsa_ray.engine.session import Session
from fsa_ray.storage.folder import Folder
from tests.unit.core.toy_stages import TROUBLE, Listener, Toys, pipeline


def wait_for(mark: Path) -> None:
    deadline = time.monotonic() + 120
    while not mark.exists() and time.monotonic() < deadline:
        time.sleep(0.1)


def train(ctx: StageContext) -> None:
    ctx.tell(Beat(noun="steps", done=30, total=40, per_second=2.0, tokens_trained=6000, loss=1.25))
    ctx.measure(goodput=0.75)


def ask(ctx: StageContext) -> None:
    ctx.tell("three answers failed")
    ctx.tell(Beat(noun="rows", done=4, total=6, per_second=1.0, tokens_read=4000, tokens_written=1000, failed=3))
    wait_for(Path(root, "asked"))
    ctx.measure(prompt_tokens=6000, output_tokens=1500, rows=6, rejected=1, failed=0)


root, port = sys.argv[1], int(sys.argv[2])
TROUBLE.update(drop=train, ask=ask)
toys = Toys(Folder(root))
steps = plan(toys.root, pipeline())
with (
    Session(RayPlacement(metrics_port=port, logical_cpus=4, object_store_mib=80)) as session,
    Metrics("toy", steps, Prices(prompt=2.0, output=8.0, currency="EUR")) as metrics,
):
    toys.listener = Audience(Listener(), metrics)  # type: ignore[assignment]
    session.start_ray()
    toys.run(pipeline())
    wait_for(Path(root, "seen"))

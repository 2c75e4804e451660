"""`fsa-ray run`: drives a pipeline to its end, and tells what came out."""

import signal
import sys
from pathlib import Path
from typing import Any

from fsa_ray.cli.console import Narrator, stderr, stdout, warn
from fsa_ray.cli.lookup import with_budget
from fsa_ray.cli.pilot import pilot_of, print_pilot
from fsa_ray.cli.retry import asking_again
from fsa_ray.core.placement import Placement
from fsa_ray.core.plan import plan
from fsa_ray.core.prices import Prices
from fsa_ray.core.runner import Audience, Runner
from fsa_ray.engine.metrics import Metrics
from fsa_ray.recipes.table import load_pipeline
from fsa_ray.storage.folder import Folder


def drive(
    spec: Path,
    root_url: str,
    *,
    overrides: list[str],
    placement: Placement,
    until: str | None,
    allow: frozenset[str],
    limit: int | None,
    retry_failed: str | None,
) -> None:
    """Raises ValueError, ClaimHeld or StageFailed; see `fsa_ray.cli.exits` for what the user is told."""
    planned = load_pipeline(spec, overrides, limit)
    warn(planned.warnings)
    root = Folder(root_url)
    for label in allow:
        planned.pipeline.called(label)
    if retry_failed is not None:
        planned, asked = asking_again(root, planned, retry_failed, limit)
        allow = allow | asked
    is_pilot = limit is not None and until is None
    pipeline = pilot_of(planned.pipeline) if is_pilot else planned.pipeline
    steps = plan(root, pipeline, until)
    placement = with_budget(placement, planned)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        with Metrics(planned.spec.name, steps, placement.section("prices", Prices)) as metrics:
            Runner(root, placement, Audience(Narrator(), metrics), release).run(
                pipeline,
                until=until,
                allow=allow,
                spec=planned.spec.model_dump(mode="json", exclude_none=True),
            )
    finally:
        close()
    from fsa_ray.cli.outcome import outcome_of

    if is_pilot:
        print_pilot(root, planned, placement)
    elif until is None:
        outcome = outcome_of(root, planned, placement.section("prices", Prices))
        if outcome.table is not None:
            stdout.print(outcome.table)
        stderr.print(f"report: [bold]{outcome.page}[/]")
    stderr.print(f"done; fsa-ray show {planned.spec.name} tells more", highlight=False)


def release(engines: frozenset[str]) -> None:
    """The engine room is loaded only in runs that need it."""
    room: Any = sys.modules.get("fsa_ray.stages.serving")
    if room is not None:
        room.release(engines)


def close() -> None:
    room: Any = sys.modules.get("fsa_ray.stages.serving")
    if room is not None:
        room.close()


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt

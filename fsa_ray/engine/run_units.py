"""Running the pending units of a piece of work through Ray Data."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any
from uuid import uuid4

import ray
from ray.data import ActorPoolStrategy, DataContext, Dataset
from ray.data.llm import ServeDeploymentProcessorConfig, build_processor
from ray.exceptions import GetTimeoutError

from fsa_ray.engine.application import DEPLOYMENT, EngineFailed, app_status, cause_of
from fsa_ray.engine.machines import room
from fsa_ray.engine.session import Engine
from fsa_ray.engine.unit_worker import Asking, Finish, Map, Mapping, Prepare, Stop
from fsa_ray.engine.units import Counts, Unit, UnitFolder

ROUNDS_WITHOUT_PROGRESS = 3
UNITS_AT_ONCE = 10_000
"""Of one execution of Ray Data, which holds a block for each; the next one starts the workers again."""
WAITING_CPUS = 0.01
"""What an actor reserves that waits for an engine or an endpoint. With one CPU each, which is the default, these actors
and the engines can hold all of a small cluster: then what commits their units never runs."""


class UnitFailed(Exception):
    """Our own work on a unit failed, as it would again."""


@dataclass(frozen=True)
class Progress:
    """Where the work stands; handed out after each unit."""

    done_rows: int
    total_rows: int
    rows_per_second: float  # of this process
    counts: Counts  # of all units so far, earlier processes included


@dataclass(frozen=True)
class Outcome:
    """`finished` is False when `should_stop` ended the work."""

    finished: bool
    counts: Counts
    engines: int = 0  # engine processes that answered: more than replicas if one was replaced
    redone: int = 0  # rows begun again after what was done about them was lost, earlier processes included


def ask(
    units: UnitFolder,
    asking: Asking,
    engine: Engine,
    listener: Callable[[Progress], None] = lambda progress: None,
    should_stop: Callable[[Counts], bool] = lambda counts: False,
) -> Outcome:
    """Ask the engine about every pending unit.

    Units whose engine died are asked again, until nothing is pending or three rounds brought nothing; then
    EngineFailed with the cause. UnitFailed if `asking` or the storage fails: no new unit begins, and those in the
    engine are kept. So it is when `should_stop` says so.
    """
    placement = engine.placement
    stop = Stop(units, uuid4().hex)
    config = ServeDeploymentProcessorConfig(
        deployment_name=DEPLOYMENT,
        app_name=engine.app,
        dtype_mapping={},
        concurrency=placement.total_units_in_flight,  # actors, each with one unit at a time
        batch_size=1,
        request_timeout_s=placement.unit_timeout_s,
    )

    def plan(pending: Dataset) -> Dataset:
        processor = build_processor(
            config,
            preprocess=Prepare(units, asking, stop),
            postprocess=Finish(units, asking),
            preprocess_map_kwargs={"num_cpus": WAITING_CPUS},  # as the next step, or the two are not one actor
            postprocess_map_kwargs={"num_cpus": WAITING_CPUS, "concurrency": placement.replicas},
        )
        processor.get_stage_by_name("ServeDeploymentStage").map_batches_kwargs["num_cpus"] = WAITING_CPUS
        return processor(pending)

    return _run(units, plan, listener, should_stop, stop, lambda: app_status(engine.app)[1])


def map_units(
    units: UnitFolder,
    mapping: Mapping,
    *,
    workers: int,
    need: dict[str, float],
    start_timeout_s: float,
    listener: Callable[[Progress], None] = lambda progress: None,
    should_stop: Callable[[Counts], bool] = lambda counts: False,
) -> Outcome:
    """Run `mapping` on every pending unit in `workers` actors, or in as many as the machines hold that are left; each
    reserves `need` and keeps its copy of `mapping`, and so what it loaded.

    Stops and failures as in `ask`; EngineFailed too if the actors do not start within `start_timeout_s`, because others
    hold what they need.
    """
    stop = Stop(units, uuid4().hex)

    def plan(pending: Dataset) -> Dataset:
        return pending.map(
            Map,
            fn_constructor_args=(units, mapping, stop),
            compute=ActorPoolStrategy(size=max(1, min(workers, room(need)))),
            num_cpus=need["CPU"],
            num_gpus=need.get("GPU", 0.0),
        )

    try:
        with _setting("wait_for_min_actors_s", start_timeout_s):
            return _run(units, plan, listener, should_stop, stop, lambda: "")
    except GetTimeoutError as error:
        raise EngineFailed(
            f"{workers} workers of {need} did not start within {start_timeout_s:g} s (start_timeout_s); free now: "
            f"{ray.available_resources()}"
        ) from error


def _run(
    units: UnitFolder,
    plan: Callable[[Dataset], Dataset],
    listener: Callable[[Progress], None],
    should_stop: Callable[[Counts], bool],
    stop: Stop,
    state: Callable[[], str],
) -> Outcome:
    run = _Run(units, listener, should_stop, stop)
    fruitless = 0
    try:
        while not run.stopped and (pending := units.pending()):
            before = run.counts
            with _errors() as errors:
                for start in range(0, len(pending), UNITS_AT_ONCE):
                    for row in _rows(plan, pending[start : start + UNITS_AT_ONCE]):
                        run.take(row)
                    if run.stopped:
                        break
            if run.failure:
                raise UnitFailed(run.failure)
            fruitless = fruitless + 1 if run.counts == before else 0
            if fruitless == ROUNDS_WITHOUT_PROGRESS:
                raise EngineFailed(_why(pending, errors, state()))
    finally:
        stop.clear()
    return Outcome(not units.pending(), run.counts, len(run.engines), units.rows_redone())


class _Run:
    """What has happened so far, as the driver learns it from the rows that workers report."""

    def __init__(
        self,
        units: UnitFolder,
        listener: Callable[[Progress], None],
        should_stop: Callable[[Counts], bool],
        stop: Stop,
    ) -> None:
        self._units, self._listener, self._should_stop, self._stop = units, listener, should_stop, stop
        self.counts = units.counts()
        self.engines: set[str] = set()
        self.failure = ""
        self.stopped = should_stop(self.counts)
        self._rows_before, self._began = self.counts.rows, time.monotonic()

    def take(self, row: dict[str, Any]) -> None:
        if row["engine"]:
            self.engines.add(row["engine"])
        if row["failure"]:
            self.failure = self.failure or row["failure"]
            self._end()
        if row["committed"]:
            self.counts += Counts(**{name: row[name] for name in Counts.__dataclass_fields__})
            speed = (self.counts.rows - self._rows_before) / (time.monotonic() - self._began)
            self._listener(Progress(self.counts.rows, self._units.layout.rows, speed, self.counts))
            if self._should_stop(self.counts):
                self._end()

    def _end(self) -> None:
        if not self.stopped:
            self.stopped = True
            self._stop.set()


def _rows(plan: Callable[[Dataset], Dataset], pending: list[Unit]) -> Iterator[dict[str, Any]]:
    """Each unit is a task of its own, so that what fails or dies is one unit."""
    items = [asdict(unit) for unit in pending]
    with _setting("max_errored_blocks", -1):  # a unit that fails does not take those beside it with it
        yield from plan(ray.data.from_items(items, override_num_blocks=len(items))).iter_rows()


@contextmanager
def _setting(name: str, value: float) -> Iterator[None]:
    """A setting of Ray Data, for a while."""
    context = DataContext.get_current()
    kept = getattr(context, name)
    setattr(context, name, value)
    try:
        yield
    finally:
        setattr(context, name, kept)


def _why(pending: list[Unit], errors: list[str], state: str) -> str:
    causes = [cause for cause in dict.fromkeys([*errors[-3:], state]) if cause]
    return (
        f"{len(pending)} units are left, and {ROUNDS_WITHOUT_PROGRESS} rounds in a row finished none of them "
        f"(first: {pending[0]}): " + "\n".join(causes)
    )


@contextmanager
def _errors() -> Iterator[list[str]]:
    """Ray Data only logs the errors of units that it leaves out: collect them, and keep them off the terminal."""
    seen: list[str] = []

    class Collect(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.exc_info and record.exc_info[1] is not None:
                seen.append(cause_of(str(record.exc_info[1])).splitlines()[0])

    logger = logging.getLogger("ray.data")
    handler, kept = Collect(logging.ERROR), (logger.handlers, logger.propagate)
    logger.handlers, logger.propagate = [handler], False
    try:
        yield seen
    finally:
        logger.handlers, logger.propagate = kept

"""Running the pending units of a piece of work through Ray Data."""

import logging
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, Protocol
from uuid import uuid4

import pyarrow as pa
import ray
from ray.data import ActorPoolStrategy, DataContext, Dataset
from ray.data.llm import ServeDeploymentProcessorConfig, build_processor

from fsa_ray.engine.application import DEPLOYMENT, EngineFailed, app_status, cause_of
from fsa_ray.engine.question import Question, Reply, decode_replies, encode_questions
from fsa_ray.engine.session import Engine
from fsa_ray.engine.units import Counts, Unit, UnitFolder

ROUNDS_WITHOUT_PROGRESS = 3
UNITS_AT_ONCE = 10_000
"""Of one execution of Ray Data, which holds a block for each; the next one starts the workers again."""
WAITING_CPUS = 0.01
"""What an actor reserves that waits for an engine or an endpoint. With one CPU each, which is the default, these actors
and the engines can hold all of a small cluster: then what commits their units never runs."""
_COMMIT_SECONDS = 15.0
_POLL_SECONDS = 0.02
_POLL_SHARE = 0.05  # of the time waited so far


class Asking(Protocol):
    """What to ask about rows, and what to make of the replies. Sent to workers: keep it small, load lazily."""

    def questions(self, rows: pa.Table) -> list[Question]: ...
    def answers(self, rows: pa.Table, replies: list[Reply]) -> pa.Table:
        """`replies` in the order of the questions."""


Mapping = Callable[[pa.Table], tuple[pa.Table, Counts]]  # rows of a unit to its result; sent to workers


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


@dataclass(frozen=True)
class _Stop:
    """A mark in the units' folder after which workers begin no unit."""

    units: UnitFolder
    name: str

    def set(self) -> None:
        (self.units.folder / "stops").put(self.name, b"")

    def is_set(self) -> bool:
        return (self.units.folder / "stops").exists(self.name)

    def clear(self) -> None:
        (self.units.folder / "stops").remove(self.name)


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
    stop = _Stop(units, uuid4().hex)
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
            preprocess=_Prepare(units, asking, stop),
            postprocess=_Finish(units, asking),
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
    cpus: float,
    gpus: float = 0.0,
    listener: Callable[[Progress], None] = lambda progress: None,
    should_stop: Callable[[Counts], bool] = lambda counts: False,
) -> Outcome:
    """Run `mapping` on every pending unit in `workers` actors; each keeps its copy, and so what it loaded.

    Stops and failures as in `ask`.
    """
    stop = _Stop(units, uuid4().hex)

    def plan(pending: Dataset) -> Dataset:
        return pending.map(
            _Map,
            fn_constructor_args=(units, mapping, stop),
            compute=ActorPoolStrategy(size=workers),
            num_cpus=cpus,
            num_gpus=gpus,
        )

    return _run(units, plan, listener, should_stop, stop, lambda: "")


def _run(
    units: UnitFolder,
    plan: Callable[[Dataset], Dataset],
    listener: Callable[[Progress], None],
    should_stop: Callable[[Counts], bool],
    stop: _Stop,
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
        stop: _Stop,
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
    context = DataContext.get_current()
    kept = context.max_errored_blocks
    context.max_errored_blocks = -1  # a unit that fails does not take those beside it with it
    try:
        items = [asdict(unit) for unit in pending]
        yield from plan(ray.data.from_items(items, override_num_blocks=len(items))).iter_rows()
    finally:
        context.max_errored_blocks = kept


def _why(pending: list[Unit], errors: list[str], state: str) -> str:
    causes = [cause for cause in dict.fromkeys([*errors[-3:], state]) if cause]
    return (
        f"{len(pending)} units are left, and {ROUNDS_WITHOUT_PROGRESS} rounds in a row finished none of them "
        f"(first: {pending[0]}): " + "\n".join(causes)
    )


class _Prepare:
    """Lives in an actor that asks about one unit at a time, and waits for the commit of each before the next: so no
    more rows are ever asked and not stored than units in flight hold."""

    def __init__(self, units: UnitFolder, asking: Asking, stop: _Stop) -> None:
        self._units, self._asking, self._stop = units, asking, stop
        self._asked: Unit | None = None

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        unit, failure, questions = Unit(**row), "", None
        try:
            self._await_commit()
            if not self._stop.is_set() and not self._units.is_finished(unit):
                self._asked = unit
                self._units.begin(unit)
                questions = encode_questions(self._asking.questions(self._units.read(unit)))
        except Exception as error:
            failure = _told(unit, error)
        method = "skip" if questions is None else "generate"
        return {"method": method, "request_kwargs": {"questions": questions or ""}, "failure": failure}

    def _await_commit(self) -> None:
        """Give up after a while: the unit may have died with its engine."""
        began = time.monotonic()
        while self._asked is not None and not self._stop.is_set():
            waited = time.monotonic() - began
            if waited > _COMMIT_SECONDS or self._units.is_finished(self._asked):
                self._asked = None
            else:
                time.sleep(max(_POLL_SECONDS, _POLL_SHARE * waited))


class _Finish:
    def __init__(self, units: UnitFolder, asking: Asking) -> None:
        self._units, self._asking = units, asking

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        if not row["replies"]:
            return _report(engine=row["engine"], failure=row["failure"])
        unit = Unit(**{name: row[name] for name in Unit.__dataclass_fields__})
        try:
            replies = decode_replies(row["replies"])
            counts = Counts(
                rows=unit.rows,
                prompts=len(replies),
                prompt_tokens=sum(reply.prompt_tokens for reply in replies),
                output_tokens=sum(reply.output_tokens for reply in replies),
                failed=sum(reply.error is not None for reply in replies),
            )
            table = self._asking.answers(self._units.read(unit), replies)
            return _report(counts, self._units.commit(unit, table, counts), row["engine"])
        except Exception as error:
            return _report(engine=row["engine"], failure=_told(unit, error))


class _Map:
    def __init__(self, units: UnitFolder, mapping: Mapping, stop: _Stop) -> None:
        self._units, self._mapping, self._stop = units, mapping, stop

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        unit = Unit(**row)
        try:
            if self._stop.is_set() or self._units.is_finished(unit):
                return _report()
            self._units.begin(unit)
            table, counts = self._mapping(self._units.read(unit))
            return _report(counts, self._units.commit(unit, table, counts))
        except Exception as error:
            return _report(failure=_told(unit, error))


def _report(
    counts: Counts | None = None, committed: bool = False, engine: str = "", failure: str = ""
) -> dict[str, Any]:
    """What a worker tells the driver about a unit. `committed` is False for a unit that was there already."""
    return {**asdict(counts or Counts()), "committed": committed, "engine": engine, "failure": failure}


def _told(unit: Unit, error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    where = next((frame for frame in reversed(frames) if frame.filename.endswith(".py")), frames[-1])
    place = f"{where.filename}:{where.lineno}"
    return f"rows {unit.start}-{unit.start + unit.rows - 1} of {unit.file}: {type(error).__name__}: {error} ({place})"


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

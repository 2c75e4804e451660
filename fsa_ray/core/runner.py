"""Runs a pipeline: claims each stage that has no record, lets it work in a folder of its own, commits its record."""

import shutil
import tempfile
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar

from fsa_ray.core.artifact import Artifact
from fsa_ray.core.beat import Beat, News
from fsa_ray.core.budget import BudgetReached
from fsa_ray.core.pipeline import Pipeline, RunIndex
from fsa_ray.core.placement import Placement
from fsa_ray.core.plan import Step, plan, refuse_placement
from fsa_ray.core.record import RECORD, Record, parameters_of, provenance, read_record, record_at
from fsa_ray.core.stage import Stage
from fsa_ray.storage.claim import Claim
from fsa_ray.storage.folder import Folder
from fsa_ray.storage.race import refuse_without_exclusive_create

B = TypeVar("B", bound=Artifact)


class StageFailed(Exception):
    """A stage raised; the cause is chained. What it had committed to its progress folder stays."""


class Listener(Protocol):
    """Who is told what happens: a terminal, a log, metrics."""

    def begins(self, step: Step) -> None: ...
    def says(self, step: Step, news: str | Beat) -> None: ...
    def ends(self, step: Step, record: Record) -> None: ...


class Audience:
    """Several listeners as one."""

    def __init__(self, *listeners: Listener) -> None:
        self._listeners = listeners

    def begins(self, step: Step) -> None:
        for listener in self._listeners:
            listener.begins(step)

    def says(self, step: Step, news: str | Beat) -> None:
        for listener in self._listeners:
            listener.says(step, news)

    def ends(self, step: Step, record: Record) -> None:
        for listener in self._listeners:
            listener.ends(step, record)


class Context:
    """The StageContext of one attempt."""

    def __init__(
        self,
        root: Folder,
        stage: Stage[Any],
        attempt: int,
        placement: Placement,
        spent: tuple[int, int],
        tell: Callable[[str | Beat], None],
    ) -> None:
        self.root = root
        self.out = root / stage.folder / "attempts" / f"{attempt:06d}"
        self.progress = root / stage.folder / "progress"
        self.scratch = Path(tempfile.mkdtemp(prefix="fsa-ray-"))
        self.placement = placement
        self.spent = spent
        self.measures: dict[str, float] = {}
        self.tell = tell

    def load(self, dep: Stage[B]) -> B:
        return load(self.root, dep)

    def measure(self, **values: float) -> None:
        self.measures.update(values)


def load(root: Folder, stage: Stage[B]) -> B:
    """The artifact of a stage that is done. Raises ValueError if it is not."""
    record = read_record(root, stage)
    if record is None:
        raise ValueError(f"stage {stage.name!r} has no record at {stage.folder}; run the spec first")
    return stage.restored(stage.artifact_type().model_validate(record.artifact))


class Runner:
    """Runs the steps that have no record.

    `release` is called after each stage with the engines that no remaining stage asks.
    """

    def __init__(
        self, root: Folder, placement: Placement, listener: Listener, release: Callable[[frozenset[str]], None]
    ) -> None:
        self.root = root
        self.placement = placement
        self.listener = listener
        self.release = release

    def run(
        self,
        pipeline: Pipeline,
        *,
        until: str | None = None,
        allow: frozenset[str] = frozenset(),
        spec: dict[str, Any] | None = None,
    ) -> list[Step]:
        """With `spec`, what the pipeline was built from, the run leaves an index. It is written once the first claim
        is taken, so that a run which finds somebody else at work changes none, or if nothing is left to do.

        Raises ValueError if a costly result would be paid for twice without leave, a stage cannot run where it is
        placed or the storage cannot hold claims; ClaimHeld if somebody else works on a stage, StageFailed with the
        cause if a stage fails."""
        steps = plan(self.root, pipeline, until)
        refuse_second_payment(steps, allow)
        refuse_placement(steps, self.placement)
        waiting = [step for step in steps if step.record is None]
        if waiting:
            refuse_without_exclusive_create(self.root)
        index = None if spec is None else partial(self._write_index, pipeline, spec, steps)
        if index is not None and not waiting:
            index()
        for position, step in enumerate(steps):
            if step.record is None:
                before = spent(self.root, (each.stage for each in steps))
                self._run_step(step, before, index if step is waiting[0] else None)
                needed = frozenset().union(*(s.stage.engines() for s in steps[position + 1 :] if s.record is None))
                self.release(step.stage.engines() - needed)
            else:
                self.listener.ends(step, step.record)
        return plan(self.root, pipeline, until)

    def _write_index(self, pipeline: Pipeline, spec: dict[str, Any], steps: list[Step]) -> None:
        """What was paid for and lies beyond the steps stays named, even where the pipeline's own stage is done as well:
        it is no waste, and is not paid for again without leave."""
        last = RunIndex.read(self.root, pipeline.name)
        earlier = {} if last is None else last.stages
        reached = {step.label for step in steps}
        beyond = [label for label, stage in pipeline.stages.items() if stage.costly and label not in reached]
        paid = {label: earlier[label] for label in beyond if label in earlier and record_at(self.root, earlier[label])}
        RunIndex.write(self.root, pipeline, spec, paid)

    def _run_step(self, step: Step, before: tuple[int, int], index: Callable[[], None] | None) -> None:
        self.listener.begins(step)
        with Claim.take(self.root / step.stage.folder) as claim:
            if index is not None:
                index()
            record = read_record(self.root, step.stage)  # somebody may have finished while we waited for our turn
            if record is None:
                record = self._attempt(step, claim, before)
        self.listener.ends(step, record)

    def _attempt(self, step: Step, claim: Claim, before: tuple[int, int]) -> Record:
        stage, started, clock = step.stage, datetime.now(UTC), time.monotonic()
        ctx = Context(self.root, stage, claim.generation, self.placement, before, self._telling(step, claim))
        try:
            artifact = stage.run(ctx)
        except KeyboardInterrupt:
            claim.check()  # the claim interrupts us when it is lost
            raise
        except Exception as error:
            if isinstance(error, BudgetReached) or is_mistake(error):
                raise
            raise StageFailed(f"stage {step.label!r} failed: {type(error).__name__}: {error}") from error
        finally:
            shutil.rmtree(ctx.scratch, ignore_errors=True)
        record = Record(
            stage=stage.name,
            version=stage.version,
            fingerprint=stage.fingerprint,
            parameters=parameters_of(stage),
            inputs={field: dependency.folder for field, dependency in stage.inputs().items()},
            artifact=artifact.model_dump(mode="json"),
            measures={"seconds": round(time.monotonic() - clock, 3), **ctx.measures},
            provenance=provenance(self.placement.source, started, claim.generation),
        )
        claim.commit(RECORD, record.encoded())
        committed = read_record(self.root, stage)
        assert committed is not None
        return committed

    def _telling(self, step: Step, claim: Claim) -> Callable[[str | Beat], None]:
        """To the listener at once; to those who watch the root with the next heartbeat."""
        last: Beat | None = None

        def tell(news: str | Beat) -> None:
            nonlocal last
            last = news if isinstance(news, Beat) else last
            claim.tell(News(said=str(news), beat=last).model_dump_json(exclude_defaults=True))
            self.listener.says(step, news)

        return tell


def spent(root: Folder, stages: Iterable[Stage[Any]]) -> tuple[int, int]:
    """Prompt and output tokens that the costly ones of the stages took, as far as they are done."""
    records = [read_record(root, stage) for stage in stages if stage.costly]
    taken = [record.measures for record in records if record is not None]
    return (
        int(sum(measures.get("prompt_tokens", 0) for measures in taken)),
        int(sum(measures.get("output_tokens", 0) for measures in taken)),
    )


def is_mistake(error: Exception) -> bool:
    """Whether the user can mend it: we raise ValueError itself for that, libraries raise its subclasses."""
    return type(error) is ValueError


def refuse_second_payment(steps: list[Step], allow: frozenset[str]) -> None:
    """Raises ValueError naming the costly stages whose earlier results a change would throw away."""
    refused = [step for step in steps if step.paid and step.label not in allow]
    if refused:
        lines = [f"  {step.label}: {step.reason}" for step in refused]
        flags = " ".join(f"--allow {step.label}" for step in refused)
        raise ValueError(
            "these stages were paid for once and would be computed again:\n"
            + "\n".join(lines)
            + f"\nundo the change, give the run another name, or add {flags}"
        )

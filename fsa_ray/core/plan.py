"""What a run would do, and why, before it does it."""

from dataclasses import dataclass
from typing import Any, Literal

from fsa_ray.core.pipeline import Pipeline, RunIndex
from fsa_ray.core.placement import Placement
from fsa_ray.core.record import Record, parameters_of, read_record, record_at
from fsa_ray.core.stage import Stage
from fsa_ray.storage.folder import Folder

Action = Literal["reuse", "run", "continue"]


@dataclass(frozen=True)
class Step:
    """One stage of a plan. `reason` says why it would run; `paid` that an earlier result of it was paid for."""

    label: str
    stage: Stage[Any]
    action: Action
    reason: str
    paid: bool
    record: Record | None


def plan(root: Folder, pipeline: Pipeline, until: str | None = None) -> list[Step]:
    """Steps in the order of running. Reads records only; raises ValueError where a record contradicts a default."""
    last = RunIndex.read(root, pipeline.name)
    return [_step(root, label, stage, last) for label, stage in pipeline.order(until)]


def refuse_placement(steps: list[Step], placement: Placement) -> None:
    """Raises ValueError if a step that would run cannot run there."""
    for step in steps:
        if step.record is None:
            try:
                step.stage.check_placement(placement)
            except ValueError as error:
                raise ValueError(f"{step.label}: {error}") from error


def estimates(steps: list[Step]) -> dict[str, dict[str, float]]:
    """Label to what the step did, if it is done, or is expected to do: rows, requests, tokens. Upper bounds where
    a stage before it drops rows."""
    by_fingerprint = {step.stage.fingerprint: step for step in steps}
    known: dict[str, dict[str, float]] = {}

    def expect(stage: Stage[Any]) -> dict[str, float]:
        if stage.fingerprint not in known:
            record = by_fingerprint[stage.fingerprint].record
            known[stage.fingerprint] = dict(record.measures) if record else stage.estimate(rows)
        return known[stage.fingerprint]

    def rows(stage: Stage[Any]) -> float:
        return expect(stage).get("rows", 0.0)

    return {step.label: expect(step.stage) for step in steps}


def _step(root: Folder, label: str, stage: Stage[Any], last: RunIndex | None) -> Step:
    record = read_record(root, stage)
    if record is not None:
        return Step(label, stage, "reuse", "its record is there", False, record)
    begun = bool((root / stage.folder / "progress").names())
    before = record_at(root, last.stages[label]) if last and label in last.stages else None
    if before is None:
        reason = "an attempt was interrupted" if begun else "it has not run yet"
    else:
        reason = "changed: " + ", ".join(_changes(before, stage))
    paid = stage.costly and before is not None and not begun
    return Step(label, stage, "continue" if begun else "run", reason, paid, None)


def _changes(before: Record, stage: Stage[Any]) -> list[str]:
    """The fields in which `stage` differs from an earlier result of the same label."""
    if before.stage != stage.name:
        return [f"stage {before.stage} -> {stage.name}"]
    if before.version != stage.version:
        return [f"version {before.version} -> {stage.version}"]
    today = parameters_of(stage)
    changed = [name for name in today if today[name] != before.parameters.get(name)]
    return [_difference(name, before.parameters.get(name), today[name]) for name in changed] or [
        "nothing that is known"
    ]


def _difference(name: str, old: Any, new: Any) -> str:
    if isinstance(old, str | int | bool | None) and isinstance(new, str | int | bool | None):
        return f"{name} {old!r} -> {new!r}"
    if isinstance(old, dict) and isinstance(new, dict) and set(old) == {"float"} == set(new):
        return f"{name} {float.fromhex(old['float']):g} -> {float.fromhex(new['float']):g}"
    return name

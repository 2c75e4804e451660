"""`fsa-ray run --retry-failed STAGE`: the same run, in which the failed rows of a stage are asked once more."""

from typing import Any, get_args

from fsa_ray.cli.console import stderr
from fsa_ray.core.explain import suggest
from fsa_ray.core.pipeline import RunIndex
from fsa_ray.core.record import record_at
from fsa_ray.core.stage import Stage
from fsa_ray.recipes.table import Plan, build
from fsa_ray.recipes.teacher_spec import AskedAgain
from fsa_ray.stages.ask import Ask
from fsa_ray.storage.folder import Folder


def asking_again(root: Folder, planned: Plan, label: str, limit: int | None = None) -> tuple[Plan, frozenset[str]]:
    """The plan with one more attempt at the failed rows of `label`, and the stages that ask these rows alone: they
    need no leave, since what was paid for is kept. A run that was interrupted in such an attempt, or after it, goes on.
    `limit`: of a pilot, what it was planned with; the whole run that it is one of asks again as often.

    Raises ValueError if no rows of such a stage can be asked again, or none failed.
    """
    found = {*planned.pipeline.stages, *(each for cell in planned.cells for each in cell.stages)}
    known = [each for each in get_args(AskedAgain) if each in found]
    if label not in known:
        raise ValueError(f"--retry-failed {label}: no failed rows are asked again there; {suggest(label, known)}")
    last = RunIndex.read(root, planned.spec.name)
    document = (planned.whole or planned).spec.model_dump(mode="json", exclude_none=True)
    rounds = _rounds(document, known)
    goes_on = False
    if last is not None:
        before = _rounds(last.spec, known)
        goes_on = before[label] > rounds[label] and _interrupted(root, last)
        rounds = {each: max(rounds[each], before[each]) for each in known}
    rounds[label] += not goes_on
    document["teacher"]["ask_again"] = {each: count for each, count in rounds.items() if count}
    again = build(document, "the spec", limit)
    if not goes_on and _done(root, again, label):
        stderr.print(
            f"{label}: its failed rows were asked again before, and that is reused; once more asks what is left"
        )
    earlier = {} if last is None else last.stages
    adopting = {each for each, stage in again.pipeline.stages.items() if _adopts(stage, earlier.get(each))}
    failed = [_failed(root, earlier[each]) for each in adopting]
    if failed and not any(failed):
        raise ValueError(f"--retry-failed {label}: each of its rows has an answer")
    told = ", ".join(f"{each}: {count}" for each, count in rounds.items() if count)
    stderr.print(f"to keep the result in later runs of this spec, set [bold]teacher.ask_again: {{{told}}}[/]")
    return again, frozenset(adopting)


def _rounds(document: dict[str, Any], labels: list[str]) -> dict[str, int]:
    """How often each is asked again by a spec, which may say one number for all."""
    given = document.get("teacher", {}).get("ask_again", 0)
    return {label: given.get(label, 0) if isinstance(given, dict) else given for label in labels}


def _done(root: Folder, planned: Plan, label: str) -> bool:
    """Whether nothing is left to do in the stages of that label, one in each cell of a grid."""
    plans = (planned.pipeline.stages, *(cell.stages for cell in planned.cells))
    return all(record_at(root, each[label].folder) is not None for each in plans if label in each)


def _interrupted(root: Folder, run: RunIndex) -> bool:
    """Whether a stage of it was begun and is not done."""
    return any(record_at(root, folder) is None and (root / folder).names() for folder in run.stages.values())


def _adopts(stage: Stage[Any], folder: str | None) -> bool:
    return isinstance(stage, Ask) and stage.adopt is not None and stage.adopt.folder == folder


def _failed(root: Folder, folder: str) -> float:
    """Rows without an answer; at least one may come where the stage is not done."""
    record = record_at(root, folder)
    return 1 if record is None else record.measures["failed"]

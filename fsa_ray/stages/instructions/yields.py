"""What came of a teacher's answers, step by step: told where a run ends because too little did."""

from typing import Any

from fsa_ray.core.artifact import Rows
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.core.tables import iter_parts
from fsa_ray.stages.ask import Ask

MEND = (
    "A teacher that is too weak to write instructions can still carry them out: set "
    "`instructions: {generate: false, file: starter}`, or name a file of your own"
)


def yields(ctx: StageContext, stage: Stage[Any]) -> str:
    """The rows of each step that led from the teacher's answers to `stage`, first step first, with what was refused:
    "enumerate 20 (20 failed), attributes 0 (20 unreadable)"."""
    found: dict[str, Stage[Rows]] = {}
    _collect(stage, found, set())
    return ", ".join(_told(ctx, step) for step in found.values())


def _collect(stage: Stage[Any], found: dict[str, Stage[Rows]], seen: set[str]) -> None:
    for each in stage.inputs().values():
        if each.fingerprint not in seen:
            seen.add(each.fingerprint)
            _collect(each, found, seen)
            if isinstance(each, Ask) or any(one.fingerprint in found for one in each.inputs().values()):
                found[each.fingerprint] = each


def _told(ctx: StageContext, step: Stage[Rows]) -> str:
    rows = ctx.load(step)
    reasons = dict(rows.reasons)
    if isinstance(step, Ask):
        errors = (part["error"] for part in iter_parts(ctx.root, rows.kept, ["error"]))
        reasons = {"failed": sum(len(column) - column.null_count for column in errors)}
    refused = ", ".join(f"{count:,} {reason}" for reason, count in reasons.items() if count)
    return f"{step.name} {rows.kept.rows:,}" + (f" ({refused})" if refused else "")

"""The instructions of all sources, once each, without demonstrations that models are tested on."""

import json
from typing import Any, ClassVar

import pyarrow as pa

from fsa_ray.core.artifact import Flow, Rows
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.core.tables import read_table
from fsa_ray.schemas.instructions import INSTRUCTION
from fsa_ray.sentiment.contamination import EvaluationRuns
from fsa_ray.sentiment.instructions.task import TaskDefinition
from fsa_ray.sentiment.instructions.validation import normal
from fsa_ray.stages.rows import commit, rejects


class UsableInstructions(Stage[Rows]):
    """An instruction that says the same as an earlier one is rejected. Of tasks, the demonstrations that share `ngram`
    words in a row with a text of `against` are left out; a task that keeps none is rejected."""

    name: ClassVar[str] = "instructions"
    version: ClassVar[int] = 1
    flow: ClassVar[Flow | None] = Flow(source="sources")

    sources: tuple[Stage[Rows], ...]
    against: tuple[Stage[Rows], ...] = ()
    ngram: int = 13

    def run(self, ctx: StageContext) -> Rows:
        rows = [row for stage in self.sources for row in read_table(ctx.root, ctx.load(stage).kept).to_pylist()]
        texts = [read_table(ctx.root, ctx.load(stage).kept, ["text"])["text"] for stage in self.against]
        runs = EvaluationRuns(pa.chunked_array([c for t in texts for c in t.chunks], pa.string()), run=self.ngram)
        kept: list[dict[str, Any]] = []
        refused: list[dict[str, Any]] = []
        seen: set[tuple[str, str]] = set()
        dropped = 0
        for row in rows:
            said = (row["kind"], normal(row["name"] or row["definition"]))
            clean, lost = (row, 0) if row["kind"] == "analysis" else _clean(row, runs)
            dropped += lost
            reason = "repeat" if said in seen else "contaminated" if clean is None else None
            seen.add(said)
            if reason is None:
                assert clean is not None
                kept.append(clean)
            else:
                refused.append({"id": row["id"], "parent": row["id"], "reason": reason, "text": row["definition"]})
        ctx.measure(contaminated_demonstrations=dropped, **_counts(kept))
        if not kept:
            raise ValueError(
                "no instruction is left: the yields of the steps above say why. A teacher that is too weak to write "
                "instructions can still carry them out: give `instructions.file: starter`, or a file of your own"
            )
        return commit(ctx, pa.Table.from_pylist(kept, INSTRUCTION), [rejects(refused)])


def _clean(row: dict[str, Any], runs: EvaluationRuns) -> tuple[dict[str, Any] | None, int]:
    """The task without contaminated demonstrations, None if none is left, and how many they are."""
    task = TaskDefinition.model_validate_json(row["definition"])
    overlap = runs.first_overlap(pa.array([shown.input for shown in task.examples], pa.string()))
    left = tuple(shown for shown, found in zip(task.examples, overlap, strict=True) if found < 0)
    lost = len(task.examples) - len(left)
    if not left:
        return None, lost
    return {**row, "definition": task.model_copy(update={"examples": left}).model_dump_json()}, lost


def _counts(rows: list[dict[str, Any]]) -> dict[str, float]:
    tasks = [json.loads(row["definition"]) for row in rows if row["kind"] != "analysis"]
    return {
        "analyses": len(rows) - len(tasks),
        "tasks": len(tasks),
        "demonstrations": sum(len(task["examples"]) for task in tasks),
        "clusters": len({row["cluster"] for row in rows}),
    }

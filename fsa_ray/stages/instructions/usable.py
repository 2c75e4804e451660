"""The instructions of all sources, once each, without texts that models are tested on."""

import json
from collections import Counter
from typing import Any, ClassVar

import pyarrow as pa

from fsa_ray.core.artifact import Flow, Rows
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.core.tables import read_table
from fsa_ray.schemas.instructions import INSTRUCTION
from fsa_ray.sentiment.contamination import EvaluationRuns
from fsa_ray.sentiment.instructions.task import TaskDefinition
from fsa_ray.sentiment.instructions.validation import normal
from fsa_ray.stages.instructions.yields import MEND, yields
from fsa_ray.stages.rows import commit, rejects


class UsableInstructions(Stage[Rows]):
    """An instruction that says the same as an earlier one is rejected, and so is one that shares `ngram` words in a row
    with a text of `against`. Of tasks, the demonstrations that do are left out; a task that keeps none is rejected."""

    name: ClassVar[str] = "instructions"
    version: ClassVar[int] = 2
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
            clean, lost = _clean(row, runs)
            dropped += lost
            reason = "repeat" if said in seen else "contaminated" if clean is None else None
            if reason is None:
                assert clean is not None
                seen.add(said)
                kept.append(clean)
            else:
                refused.append({"id": row["id"], "parent": row["id"], "reason": reason, "text": row["definition"]})
        ctx.measure(contaminated_demonstrations=dropped, **_counts(kept))
        if not kept:
            raise ValueError(_none_left(yields(ctx, self), Counter(one["reason"] for one in refused)))
        return commit(ctx, pa.Table.from_pylist(kept, INSTRUCTION), [rejects(refused)])


def tasks_of(ctx: StageContext, instructions: Stage[Rows]) -> dict[str, TaskDefinition | None]:
    """By the instruction's id; None for one of analysis."""
    rows = read_table(ctx.root, ctx.load(instructions).kept, ["id", "kind", "definition"]).to_pylist()
    return {
        row["id"]: None if row["kind"] == "analysis" else TaskDefinition.model_validate_json(row["definition"])
        for row in rows
    }


def _none_left(steps: str, refused: Counter[str]) -> str:
    own = ", ".join(f"{count} {reason}" for reason, count in refused.items())
    counted = ", ".join(filter(None, [steps, f"instructions 0 ({own})" if own else "instructions 0"]))
    return f"no instruction is left. What came of each step so far: {counted}. {MEND}"


def _clean(row: dict[str, Any], runs: EvaluationRuns) -> tuple[dict[str, Any] | None, int]:
    """The instruction without contaminated demonstrations, and how many they are; None if what it asks is contaminated
    itself, or no demonstration is left of a task."""
    task = None if row["kind"] == "analysis" else TaskDefinition.model_validate_json(row["definition"])
    examples = () if task is None else task.examples
    asks = row["definition"] if task is None else task.description
    overlap = runs.first_overlap(pa.array([asks, *(shown.input for shown in examples)], pa.string()))
    clean = [number for number in range(len(examples)) if overlap[number + 1] < 0]
    lost = len(examples) - len(clean)
    if overlap[0] >= 0 or (task is not None and not clean):
        return None, lost
    if task is None:
        return row, lost
    left = task.model_copy(update={"examples": tuple(examples[number] for number in clean)})
    origin = [row["demonstrations"][number] for number in clean]
    return {**row, "definition": left.model_dump_json(), "demonstrations": origin}, lost


def _counts(rows: list[dict[str, Any]]) -> dict[str, float]:
    tasks = [json.loads(row["definition"]) for row in rows if row["kind"] != "analysis"]
    return {
        "analyses": len(rows) - len(tasks),
        "tasks": len(tasks),
        "demonstrations": sum(len(task["examples"]) for task in tasks),
        "clusters": len({row["cluster"] for row in rows}),
    }

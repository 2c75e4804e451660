"""Solved instructions as training examples: what a small teacher made here learns to carry out instructions from."""

from typing import Any, ClassVar

import pyarrow as pa

from fsa_ray.core.artifact import Flow, Rows
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.core.tables import read_table
from fsa_ray.schemas.opinion import Opinion
from fsa_ray.schemas.rows import EXAMPLE
from fsa_ray.sentiment.instructions.task import TaskDefinition, render_frame
from fsa_ray.sentiment.synthetic.rewriting import rewrite
from fsa_ray.stages.rows import commit, derived_id


class SolvedTasks(Stage[Rows]):
    """Each demonstration of each task as an example, once alone and once behind others of the task."""

    name: ClassVar[str] = "solved"
    version: ClassVar[int] = 2

    instructions: Stage[Rows]
    shots: int = 2

    def run(self, ctx: StageContext) -> Rows:
        rows = []
        for instruction in read_table(ctx.root, ctx.load(self.instructions).kept).to_pylist():
            if instruction["kind"] != "analysis":
                rows.extend(self._examples(instruction))
        return commit(ctx, pa.Table.from_pylist(rows, EXAMPLE), [])

    def _examples(self, instruction: dict[str, Any]) -> list[dict[str, Any]]:
        task = TaskDefinition.model_validate_json(instruction["definition"])
        found = []
        for number, case in enumerate(task.examples):
            others = [*task.examples[number + 1 :], *task.examples[:number]]
            for shots in {0, min(self.shots, len(others))}:
                found.append(
                    {
                        "id": derived_id(instruction["id"], case.input, str(shots)),
                        "parent": instruction["id"],
                        "review_id": None,
                        "kind": instruction["kind"],
                        "group": instruction["id"],
                        "prompt": task.render(case.input, others[:shots]),
                        "answer": case.output,
                        "polarity": None,
                        "opinions": None,
                    }
                )
        return found


class SolvedAnalyses(Stage[Rows]):
    """Each labelled review with one of the analysis instructions, answered by what its labels say in plain words."""

    name: ClassVar[str] = "solved-analyses"
    version: ClassVar[int] = 2
    flow: ClassVar[Flow | None] = Flow(source="labelled", key="parent")

    instructions: Stage[Rows]
    labelled: Stage[Rows]

    def run(self, ctx: StageContext) -> Rows:
        instructions = read_table(ctx.root, ctx.load(self.instructions).kept).sort_by("id").to_pylist()
        analyses = [row["definition"] for row in instructions if row["kind"] == "analysis"]
        if not analyses:
            raise ValueError("the file of instructions has no analysis instruction for a small teacher to learn from")
        reviews = read_table(ctx.root, ctx.load(self.labelled).kept).to_pylist()
        rows = [self._example(review, analyses[int(review["id"][:8], 16) % len(analyses)]) for review in reviews]
        return commit(ctx, pa.Table.from_pylist(rows, EXAMPLE), [])

    def _example(self, review: dict[str, Any], instruction: str) -> dict[str, Any]:
        opinions = [Opinion.model_validate(opinion) for opinion in review["opinions"]]
        return {
            "id": derived_id(review["id"], "solved-analysis"),
            "parent": review["id"],
            "review_id": review["id"],
            "kind": "analysis",
            "group": "analysis",
            "prompt": render_frame(instruction, review["text"]),
            "answer": rewrite(review["polarity"], opinions),
            "polarity": None,
            "opinions": None,
        }

"""The demonstrations of tasks as training examples: what a small teacher made here learns to carry out tasks from."""

from typing import Any, ClassVar

import pyarrow as pa

from fsa_ray.core.artifact import Rows
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.core.tables import read_table
from fsa_ray.schemas.rows import EXAMPLE
from fsa_ray.sentiment.instructions.task import TaskDefinition
from fsa_ray.stages.rows import commit, derived_id


class SolvedTasks(Stage[Rows]):
    """Each demonstration of each task as an example, once alone and once behind others of the task."""

    name: ClassVar[str] = "solved"
    version: ClassVar[int] = 1

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

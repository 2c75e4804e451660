"""Ask the teacher for more demonstrations of each task, in the style of real reviews."""

from collections.abc import Iterator
from typing import Any, ClassVar

import pyarrow as pa

from fsa_ray.core.artifact import Flow, Rows
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.core.tables import read_table
from fsa_ray.schemas.rows import REQUEST
from fsa_ray.sentiment.instructions.task import TaskDefinition
from fsa_ray.sentiment.instructions.wording import DEMONSTRATE, demonstrations_schema_text
from fsa_ray.stages.ask import Ask
from fsa_ray.stages.rows import derived_id

REFERENCES = 2
FORMAT_EXAMPLES = 2


class Demonstrate(Ask):
    """`repetitions` responses for each task, each with other reviews as references of style (CompEffDist, task
    prompts, third step; 16 repetitions there)."""

    name: ClassVar[str] = "demonstrate"
    version: ClassVar[int] = 1

    tasks: Stage[Rows]
    reviews: Stage[Rows]
    repetitions: int = 16

    def owes(self) -> Flow:
        return Flow(source="tasks", key="parent", fanout=self.repetitions)

    def requests(self, ctx: StageContext) -> Iterator[pa.Table]:
        texts = self.texts(ctx)
        rows = []
        for task in read_table(ctx.root, ctx.load(self.tasks).kept).to_pylist():
            definition = TaskDefinition.model_validate_json(task["definition"])
            schema = demonstrations_schema_text(definition)
            for number in range(self.repetitions):
                first = (number * FORMAT_EXAMPLES) % len(definition.examples)
                shown = (definition.examples * 2)[first : first + FORMAT_EXAMPLES]
                references = self.references(task, number, texts)
                rows.append(
                    {
                        "id": self.response_id(task, number),
                        "parent": task["id"],
                        "kind": "demonstrate",
                        "prompt": DEMONSTRATE.render(task=definition, shown=shown, references=references),
                        "schema": schema,
                    }
                )
        yield pa.Table.from_pylist(rows, REQUEST)

    def texts(self, ctx: StageContext) -> list[str]:
        """The reviews that references are drawn from, in the order of their ids."""
        reviews = read_table(ctx.root, ctx.load(self.reviews).kept, ["id", "text"]).sort_by("id")
        found: list[str] = reviews["text"].to_pylist()
        if len(found) < REFERENCES:
            raise ValueError(f"{len(found)} reviews are too few to show {REFERENCES} of them as references of style")
        return found

    def references(self, task: dict[str, Any], number: int, texts: list[str]) -> list[str]:
        """Distinct reviews, drawn by the task's id, so that other tasks change nothing."""
        first, step = (
            int(derived_id(task["id"], str(number), str(self.seed), part)[:12], 16) for part in ("first", "step")
        )
        start = first % len(texts)
        return [texts[start], texts[(start + 1 + step % (len(texts) - 1)) % len(texts)]]

    def response_id(self, task: dict[str, Any], number: int) -> str:
        return derived_id(task["id"], "demonstrate", str(number))

    def expected_requests(self, rows: Any) -> float:
        return float(rows(self.tasks) * self.repetitions)

    def usual_prompt_tokens(self) -> int:
        return 600

"""Ask the teacher for more demonstrations of each task, in the style of real reviews."""

from collections.abc import Iterator
from typing import Any, ClassVar, NamedTuple

import pyarrow as pa

from fsa_ray.core.artifact import Flow, Rows
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.core.tables import read_table
from fsa_ray.schemas.rows import REQUEST
from fsa_ray.sentiment.instructions.demonstrations import read_demonstrations
from fsa_ray.sentiment.instructions.task import TaskDefinition
from fsa_ray.sentiment.instructions.wording import DEMONSTRATE, demonstrations_schema_text
from fsa_ray.stages.ask import Ask, Judge
from fsa_ray.stages.rows import derived_id
from fsa_ray.stages.texts import sorted_ids, texts_of

REFERENCES = 2
FORMAT_EXAMPLES = 2
STYLES = 10_000


class Style(NamedTuple):
    """A review that is shown for its style."""

    id: str
    text: str


class Demonstrate(Ask):
    """`repetitions` responses for each task, each with other reviews as references of style (CompEffDist, task
    prompts, third step; 16 repetitions there). One without a valid demonstration is asked for again like an answer that
    cannot be read."""

    name: ClassVar[str] = "demonstrate"
    version: ClassVar[int] = 2

    tasks: Stage[Rows]
    reviews: Stage[Rows]
    repetitions: int = 16

    def owes(self) -> Flow:
        return Flow(source="tasks", key="parent", fanout=self.repetitions)

    def requests(self, ctx: StageContext) -> Iterator[pa.Table]:
        styles = self.styles(ctx)
        rows = []
        for task, definition in self.definitions(ctx).items():
            schema = demonstrations_schema_text(definition)
            for number in range(self.repetitions):
                first = (number * FORMAT_EXAMPLES) % len(definition.examples)
                shown = (definition.examples * 2)[first : first + FORMAT_EXAMPLES]
                references = [style.text for style in self.references(task, number, styles)]
                rows.append(
                    {
                        "id": self.response_id(task, number),
                        "parent": task,
                        "kind": "demonstrate",
                        "prompt": DEMONSTRATE.render(task=definition, shown=shown, references=references),
                        "schema": schema,
                    }
                )
        yield pa.Table.from_pylist(rows, REQUEST)

    def judge(self, ctx: StageContext) -> Judge:
        """Without regard to the task's other responses: what these repeat is seen when all are read."""
        styles, definitions = self.styles(ctx), self.definitions(ctx)
        numbers = {self.response_id(task, number): number for task in definitions for number in range(self.repetitions)}

        def fault(row: dict[str, Any]) -> str | None:
            references = self.references(row["parent"], numbers[row["id"]], styles)
            return read_demonstrations(row["text"], definitions[row["parent"]], [one.text for one in references]).fault

        return lambda rows: map(fault, rows)

    def definitions(self, ctx: StageContext) -> dict[str, TaskDefinition]:
        """By the task's id."""
        rows = read_table(ctx.root, ctx.load(self.tasks).kept, ["id", "definition"]).to_pylist()
        return {row["id"]: TaskDefinition.model_validate_json(row["definition"]) for row in rows}

    def styles(self, ctx: StageContext) -> list[Style]:
        """The reviews that references are drawn from, in the order of their ids: at most STYLES, which are a random
        draw, since ids are digests."""
        table = ctx.load(self.reviews).kept
        if table.rows < REFERENCES:
            raise ValueError(f"{table.rows} reviews are too few to show {REFERENCES} of them as references of style")
        ids = [name.decode() for name in sorted_ids(ctx.root, table)[:STYLES]]
        texts = texts_of(ctx.root, table, ids)
        return [Style(one, texts[one]) for one in ids]

    def references(self, task: str, number: int, styles: list[Style]) -> list[Style]:
        """Distinct reviews, drawn by the task's id, so that other tasks change nothing."""
        first, step = (int(derived_id(task, str(number), str(self.seed), part)[:12], 16) for part in ("first", "step"))
        start = first % len(styles)
        return [styles[start], styles[(start + 1 + step % (len(styles) - 1)) % len(styles)]]

    def response_id(self, task: str, number: int) -> str:
        return derived_id(task, "demonstrate", str(number))

    def expected_requests(self, rows: Any) -> float:
        return float(rows(self.tasks) * self.repetitions)

    def usual_prompt_tokens(self) -> int:
        return 600

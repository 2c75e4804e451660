"""Instructions that the teacher made: analyses of clusters, and tasks with all their demonstrations."""

from collections.abc import Iterator
from typing import Any, ClassVar

import pyarrow as pa

from fsa_ray.core.artifact import Rows
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.core.tables import read_table
from fsa_ray.schemas.instructions import INSTRUCTION
from fsa_ray.sentiment.instructions.demonstrations import read_demonstrations
from fsa_ray.sentiment.instructions.reply import Reading
from fsa_ray.sentiment.instructions.task import Demonstration, TaskDefinition
from fsa_ray.sentiment.instructions.validation import read_analysis
from fsa_ray.stages.instructions.clusters import ClusteredRows
from fsa_ray.stages.instructions.demonstrate import Demonstrate
from fsa_ray.stages.instructions.refusals import refusals
from fsa_ray.stages.rows import commit, derived_id, rejects


class GeneratedInstructions(Stage[Rows]):
    """One row for each analysis instruction and each task. Answers are joined to what they are about by id."""

    name: ClassVar[str] = "generated"
    version: ClassVar[int] = 1

    clusters: Stage[ClusteredRows]
    analyses: Stage[Rows]
    demonstrations: Demonstrate

    def run(self, ctx: StageContext) -> Rows:
        refused: list[dict[str, Any]] = []
        kept = [*self._analyses(ctx, refused), *self._tasks(ctx, refused)]
        return commit(ctx, pa.Table.from_pylist(kept, INSTRUCTION), [rejects(refused)])

    def _analyses(self, ctx: StageContext, refused: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        clusters = read_table(ctx.root, ctx.load(self.clusters).kept, ["id", "name"]).to_pylist()
        names = {one["id"]: one["name"] for one in clusters}
        for response in read_table(ctx.root, ctx.load(self.analyses).kept).to_pylist():
            reading = None if response["error"] else read_analysis(response["text"], response["finish_reason"])
            refused.extend(refusals(response, reading))
            for text in reading.values if reading else ():
                yield {
                    "id": derived_id(response["id"], text),
                    "cluster": names[response["parent"]],
                    "kind": "analysis",
                    "name": None,
                    "source": "generated",
                    "definition": text,
                }

    def _tasks(self, ctx: StageContext, refused: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        asked = self.demonstrations
        texts = asked.texts(ctx)
        responses = {one["id"]: one for one in read_table(ctx.root, ctx.load(asked).kept).to_pylist()}
        asked_for = added = 0
        for row in read_table(ctx.root, ctx.load(asked.tasks).kept).to_pylist():
            task = TaskDefinition.model_validate_json(row["definition"])
            known: list[Demonstration] = []
            for number in range(asked.repetitions):
                response = responses[asked.response_id(row, number)]
                reading: Reading[Demonstration] | None = None
                if not response["error"]:
                    shown, ended = asked.references(row, number, texts), response["finish_reason"]
                    reading = read_demonstrations(response["text"], task, shown, known, finish_reason=ended)
                refused.extend(refusals(response, reading))
                known.extend(reading.values if reading else ())
                asked_for += 1
            added += len(known)
            whole = task.model_copy(update={"examples": (*task.examples, *known)})
            yield {**row, "source": "generated", "definition": whole.model_dump_json()}
        ctx.measure(demonstration_answers=asked_for, demonstrations=added)

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
from fsa_ray.sentiment.instructions.task import Demonstration
from fsa_ray.sentiment.instructions.validation import read_analysis
from fsa_ray.stages.instructions.clusters import ClusteredRows
from fsa_ray.stages.instructions.demonstrate import Demonstrate
from fsa_ray.stages.instructions.origin import origins
from fsa_ray.stages.instructions.refusals import refusals
from fsa_ray.stages.rows import commit, derived_id, rejects


class GeneratedInstructions(Stage[Rows]):
    """One row for each analysis instruction and each task. Answers are joined to what they are about by id."""

    name: ClassVar[str] = "generated"
    version: ClassVar[int] = 2

    clusters: Stage[ClusteredRows]
    analyses: Stage[Rows]
    demonstrations: Demonstrate

    def run(self, ctx: StageContext) -> Rows:
        refused: list[dict[str, Any]] = []
        analyses = read_table(ctx.root, ctx.load(self.analyses).kept).to_pylist()
        demonstrations = read_table(ctx.root, ctx.load(self.demonstrations).kept).to_pylist()
        kept = [*self._analyses(ctx, analyses, refused), *self._tasks(ctx, demonstrations, refused)]
        ctx.measure(
            rows_read=len(analyses) + len(demonstrations),
            demonstration_answers=len(demonstrations),
            demonstrations=sum(each["parent"] != row["parent"] for row in kept for each in row["demonstrations"] or ()),
        )
        return commit(ctx, pa.Table.from_pylist(kept, INSTRUCTION), [rejects(refused)])

    def _analyses(
        self, ctx: StageContext, responses: list[dict[str, Any]], refused: list[dict[str, Any]]
    ) -> Iterator[dict[str, Any]]:
        clusters = read_table(ctx.root, ctx.load(self.clusters).kept, ["id", "name"]).to_pylist()
        names = {one["id"]: one["name"] for one in clusters}
        for response in responses:
            reading = read_analysis(response["text"], response["finish_reason"]) if response["text"] else None
            refused.extend(refusals(response, reading))
            for text in reading.values if reading else ():
                yield {
                    "id": derived_id(response["id"], text),
                    "parent": response["id"],
                    "cluster": names[response["parent"]],
                    "kind": "analysis",
                    "name": None,
                    "source": "generated",
                    "definition": text,
                    "demonstrations": None,
                }

    def _tasks(
        self, ctx: StageContext, said: list[dict[str, Any]], refused: list[dict[str, Any]]
    ) -> Iterator[dict[str, Any]]:
        asked = self.demonstrations
        styles, definitions = asked.styles(ctx), asked.definitions(ctx)
        responses = {one["id"]: one for one in said}
        for row in read_table(ctx.root, ctx.load(asked.tasks).kept).to_pylist():
            task = definitions[row["id"]]
            known: list[Demonstration] = []
            origin = list(origins(row["id"], task.examples, row["parent"]))
            for number in range(asked.repetitions):
                response = responses[asked.response_id(row["id"], number)]
                references = asked.references(row["id"], number, styles)
                reading: Reading[Demonstration] | None = None
                if response["text"]:
                    shown, ended = [one.text for one in references], response["finish_reason"]
                    reading = read_demonstrations(response["text"], task, shown, known, finish_reason=ended)
                refused.extend(refusals(response, reading))
                new = reading.values if reading else ()
                known.extend(new)
                origin.extend(origins(row["id"], new, response["id"], [one.id for one in references]))
            whole = task.model_copy(update={"examples": (*task.examples, *known)})
            yield {**row, "source": "generated", "definition": whole.model_dump_json(), "demonstrations": origin}

"""Tasks with a full definition, near duplicates merged."""

from typing import Any, ClassVar, cast

import pyarrow as pa

from fsa_ray.core.artifact import Rows
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.core.tables import read_table
from fsa_ray.schemas.instructions import TASK
from fsa_ray.sentiment.instructions.merging import merge_near_duplicates
from fsa_ray.sentiment.instructions.output_format import TaskKind
from fsa_ray.sentiment.instructions.task import TaskDefinition
from fsa_ray.sentiment.instructions.validation import MIN_EXAMPLES, Proposal, read_definition
from fsa_ray.stages.instructions.refusals import refusals
from fsa_ray.stages.rows import commit, derived_id, rejects


class Definitions(Stage[Rows]):
    """Definitions whose examples obey them. Answers and proposals are joined by the proposal's id."""

    name: ClassVar[str] = "definitions"
    version: ClassVar[int] = 1

    responses: Stage[Rows]
    proposals: Stage[Rows]
    min_examples: int = MIN_EXAMPLES

    def run(self, ctx: StageContext) -> Rows:
        proposals = {one["id"]: one for one in read_table(ctx.root, ctx.load(self.proposals).kept).to_pylist()}
        refused: list[dict[str, Any]] = []
        found: list[tuple[dict[str, Any], TaskDefinition]] = []
        responses = read_table(ctx.root, ctx.load(self.responses).kept).to_pylist()
        for response in responses:
            row = proposals[response["parent"]]
            proposal = Proposal(row["name"], cast(TaskKind, row["kind"]), row["definition"])
            reading = None
            if response["text"]:  # one that was asked for again in vain is read too, for the reason
                ended = response["finish_reason"]
                reading = read_definition(
                    response["text"], proposal, min_examples=self.min_examples, finish_reason=ended
                )
            refused.extend(refusals(response, reading))
            found.extend(
                ({**row, "id": derived_id(row["id"], "task"), "parent": response["id"]}, task)
                for task in (reading.values if reading else ())
            )
        merged = merge_near_duplicates([task for _, task in found])
        for number, into in merged.into.items():
            row, task = found[number]
            detail = f"like {found[into][1].name}"
            refused.append({**row, "reason": "near_duplicate", "detail": detail, "text": task.description})
        kept = [{**found[number][0], "definition": found[number][1].model_dump_json()} for number in merged.kept]
        ctx.measure(rows_read=len(responses))
        return commit(ctx, pa.Table.from_pylist(kept, TASK), [rejects(refused)])

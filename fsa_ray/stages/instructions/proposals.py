"""The tasks that the teacher proposed."""

from typing import Any, ClassVar

import pyarrow as pa

from fsa_ray.core.artifact import Rows
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.core.tables import read_table
from fsa_ray.schemas.instructions import TASK
from fsa_ray.sentiment.instructions.validation import read_proposals
from fsa_ray.stages.instructions.clusters import ClusteredRows
from fsa_ray.stages.instructions.refusals import refusals
from fsa_ray.stages.rows import commit, derived_id, rejects


class Proposals(Stage[Rows]):
    """One row for each task that can be read; its `definition` holds the description alone."""

    name: ClassVar[str] = "proposals"
    version: ClassVar[int] = 2

    responses: Stage[Rows]
    clusters: Stage[ClusteredRows]

    def run(self, ctx: StageContext) -> Rows:
        clusters = read_table(ctx.root, ctx.load(self.clusters).kept, ["id", "name"]).to_pylist()
        names = {one["id"]: one["name"] for one in clusters}
        kept: list[dict[str, Any]] = []
        refused: list[dict[str, Any]] = []
        responses = read_table(ctx.root, ctx.load(self.responses).kept).to_pylist()
        for response in responses:
            reading = read_proposals(response["text"], response["finish_reason"]) if response["text"] else None
            refused.extend(refusals(response, reading))
            for found in reading.values if reading else ():
                kept.append(
                    {
                        "id": derived_id(response["id"], found.kind, found.name),
                        "parent": response["id"],
                        "cluster": names[response["parent"]],
                        "kind": found.kind,
                        "name": found.name,
                        "definition": found.description,
                    }
                )
        ctx.measure(rows_read=len(responses))
        return commit(ctx, pa.Table.from_pylist(kept, TASK), [rejects(refused)])

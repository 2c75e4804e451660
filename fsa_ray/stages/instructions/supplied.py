"""Instructions from a file: the user's, or the starter set that comes with this package."""

import json
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
from pydantic import Field

from fsa_ray.core.artifact import Flow, Rows
from fsa_ray.core.local_copy import brought_here
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.schemas.instructions import INSTRUCTION
from fsa_ray.sentiment.instructions.starter import STARTER, load_instructions
from fsa_ray.stages.benchmark import pin
from fsa_ray.stages.model import PinnedFile
from fsa_ray.stages.rows import commit, derived_id


class SuppliedInstructions(Stage[Rows]):
    """One row for each analysis instruction and each task of the file, whose content is the identity."""

    name: ClassVar[str] = "supplied"
    version: ClassVar[int] = 1
    flow: ClassVar[Flow | None] = Flow(source=None)

    file: PinnedFile
    path: str = Field(exclude=True)

    @classmethod
    def at(cls, path: str | None) -> "SuppliedInstructions":
        """None stands for the starter set. Raises ValueError that names the file, and the entry that is wrong."""
        found = STARTER if path is None else Path(brought_here(path))
        load_instructions(found)
        return cls(file=pin(found, found.parent), path=str(found))

    def run(self, ctx: StageContext) -> Rows:
        rows = [row for cluster in load_instructions(Path(self.path)) for row in _rows(cluster, self.file.name)]
        ctx.measure(rows_read=len(rows))
        return commit(ctx, pa.Table.from_pylist(rows, INSTRUCTION), [])


def _rows(cluster: Any, source: str) -> list[dict[str, Any]]:
    own = {"cluster": cluster.cluster, "source": source}
    analyses = [{**own, "kind": "analysis", "name": None, "definition": text} for text in cluster.analysis]
    tasks = [
        {**own, "kind": task.kind, "name": task.name, "definition": task.model_dump_json()} for task in cluster.tasks
    ]
    return [
        {"id": derived_id("supplied", row["cluster"], row["kind"], json.dumps(row["definition"])), **row}
        for row in (*analyses, *tasks)
    ]

"""Instructions from a file: the user's, or the starter set that comes with this package."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
from pydantic import Field

from fsa_ray.core.artifact import Flow, Rows
from fsa_ray.core.local_copy import brought_here
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.schemas.instructions import INSTRUCTION
from fsa_ray.sentiment.instructions.starter import STARTER, ClusterInstructions, load_instructions
from fsa_ray.stages.benchmark import pin
from fsa_ray.stages.instructions.origin import origins
from fsa_ray.stages.model import PinnedFile
from fsa_ray.stages.rows import commit, derived_id


class SuppliedInstructions(Stage[Rows]):
    """One row for each analysis instruction and each task of the file, whose content is the identity."""

    name: ClassVar[str] = "supplied"
    version: ClassVar[int] = 2
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


def _rows(cluster: ClusterInstructions, source: str) -> Iterator[dict[str, Any]]:
    own = {"parent": None, "cluster": cluster.cluster, "source": source}
    for text in cluster.analysis:
        id_ = _id(cluster.cluster, "analysis", text)
        yield {**own, "id": id_, "kind": "analysis", "name": None, "definition": text, "demonstrations": None}
    for task in cluster.tasks:
        definition = task.model_dump_json()
        id_ = _id(cluster.cluster, task.kind, definition)
        origin = list(origins(id_, task.examples, None))
        told = {"kind": task.kind, "name": task.name, "definition": definition, "demonstrations": origin}
        yield {**own, "id": id_, **told}


def _id(cluster: str, kind: str, definition: str) -> str:
    return derived_id("supplied", cluster, kind, json.dumps(definition))

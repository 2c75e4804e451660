"""Ask the teacher which tasks there are about a cluster of attributes."""

from collections.abc import Iterator
from typing import Any, ClassVar

import pyarrow as pa

from fsa_ray.core.artifact import Flow
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.core.tables import read_table
from fsa_ray.sentiment.instructions.wording import PROPOSE
from fsa_ray.stages.ask import Ask, requests
from fsa_ray.stages.instructions.clusters import ClusteredRows


class Propose(Ask):
    """One response for each cluster (CompEffDist, task prompts, first step)."""

    name: ClassVar[str] = "propose"
    version: ClassVar[int] = 2
    flow: ClassVar[Flow | None] = Flow(source="clusters", key="parent")

    clusters: Stage[ClusteredRows]

    def requests(self, ctx: StageContext) -> Iterator[pa.Table]:
        clusters = read_table(ctx.root, ctx.load(self.clusters).kept).to_pylist()
        turns = [PROPOSE.render(name=one["name"], description=one["descriptions"][0]) for one in clusters]
        yield requests("propose", [one["id"] for one in clusters], turns, PROPOSE.schema)

    def expected_requests(self, rows: Any) -> float:
        return float(rows(self.clusters))

    def usual_prompt_tokens(self) -> int:
        return 300

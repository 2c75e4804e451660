"""Ask the teacher for instructions that analyse what a cluster of attributes has in common."""

from collections.abc import Iterator
from typing import Any, ClassVar

import pyarrow as pa

from fsa_ray.core.artifact import Flow
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.core.tables import read_table
from fsa_ray.sentiment.instructions.wording import ANALYSE
from fsa_ray.stages.ask import Ask, requests
from fsa_ray.stages.instructions.clusters import ClusteredRows

DESCRIBED = 5


class Analyse(Ask):
    """One response for each cluster (CompEffDist, analysis prompts)."""

    name: ClassVar[str] = "analyse"
    version: ClassVar[int] = 2
    flow: ClassVar[Flow | None] = Flow(source="clusters", key="parent")

    clusters: Stage[ClusteredRows]

    def requests(self, ctx: StageContext) -> Iterator[pa.Table]:
        clusters = read_table(ctx.root, ctx.load(self.clusters).kept).to_pylist()
        turns = [
            ANALYSE.render(
                names=one["attributes"],
                described=list(zip(one["attributes"][:DESCRIBED], one["descriptions"][:DESCRIBED], strict=True)),
            )
            for one in clusters
        ]
        yield requests("analyse", [one["id"] for one in clusters], turns, ANALYSE.schema)

    def expected_requests(self, rows: Any) -> float:
        return float(rows(self.clusters))

    def usual_prompt_tokens(self) -> int:
        return 400

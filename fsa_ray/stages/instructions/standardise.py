"""Ask the teacher for the full definition of each proposed task."""

from collections.abc import Iterator
from typing import Any, ClassVar

import pyarrow as pa

from fsa_ray.core.artifact import Flow, Rows
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.core.tables import read_table
from fsa_ray.sentiment.instructions.validation import Proposal
from fsa_ray.sentiment.instructions.wording import STANDARDISE
from fsa_ray.stages.ask import Ask, requests


class Standardise(Ask):
    """One response for each proposal (CompEffDist, task prompts, second step)."""

    name: ClassVar[str] = "standardise"
    version: ClassVar[int] = 1
    flow: ClassVar[Flow | None] = Flow(source="proposals", key="parent")

    proposals: Stage[Rows]

    def requests(self, ctx: StageContext) -> Iterator[pa.Table]:
        for one in read_table(ctx.root, ctx.load(self.proposals).kept).to_pylist():
            proposal = Proposal(one["name"], one["kind"], one["definition"])
            wording = STANDARDISE[proposal.kind]
            yield requests("standardise", [one["id"]], [wording.render(task=proposal)], wording.schema)

    def expected_requests(self, rows: Any) -> float:
        return float(rows(self.proposals))

    def usual_prompt_tokens(self) -> int:
        return 400

"""Ask the teacher for the full definition of each proposed task."""

from collections.abc import Iterator
from typing import Any, ClassVar, cast

import pyarrow as pa

from fsa_ray.core.artifact import Flow, Rows
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.core.tables import read_table
from fsa_ray.sentiment.instructions.output_format import TaskKind
from fsa_ray.sentiment.instructions.validation import MIN_EXAMPLES, Proposal, read_definition
from fsa_ray.sentiment.instructions.wording import STANDARDISE
from fsa_ray.stages.ask import Ask, Judge, requests


class Standardise(Ask):
    """One response for each proposal (CompEffDist, task prompts, second step). A definition that is not valid, or has
    fewer than `min_examples` that obey it, is asked for again like an answer that cannot be read."""

    name: ClassVar[str] = "standardise"
    version: ClassVar[int] = 3
    flow: ClassVar[Flow | None] = Flow(source="proposals", key="parent")

    proposals: Stage[Rows]
    min_examples: int = MIN_EXAMPLES

    def requests(self, ctx: StageContext) -> Iterator[pa.Table]:
        for id_, proposal in proposals_of(ctx, self.proposals).items():
            wording = STANDARDISE[proposal.kind]
            yield requests("standardise", [id_], [wording.render(task=proposal)], wording.schema)

    def judge(self, ctx: StageContext) -> Judge:
        proposals = proposals_of(ctx, self.proposals)
        return lambda rows: [self._fault(row, proposals[row["parent"]]) for row in rows]

    def _fault(self, row: dict[str, Any], proposal: Proposal) -> str | None:
        return read_definition(row["text"], proposal, min_examples=self.min_examples).fault

    def expected_requests(self, rows: Any) -> float:
        return float(rows(self.proposals))

    def usual_prompt_tokens(self) -> int:
        return 400


def proposals_of(ctx: StageContext, stage: Stage[Rows]) -> dict[str, Proposal]:
    """By their ids."""
    rows = read_table(ctx.root, ctx.load(stage).kept).to_pylist()
    return {row["id"]: Proposal(row["name"], cast(TaskKind, row["kind"]), row["definition"]) for row in rows}

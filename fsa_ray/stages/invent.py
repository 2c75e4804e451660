"""Invented, labelled reviews: the source of runs that have no reviews at hand."""

from typing import ClassVar, Literal

from fsa_ray.core.artifact import Flow, Rows
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.sentiment.synthetic.table import generate
from fsa_ray.stages.rows import commit


class Invent(Stage[Rows]):
    """`count` reviews of one split; texts of different splits differ, and some words occur in one split only."""

    name: ClassVar[str] = "invent"
    version: ClassVar[int] = 1
    flow: ClassVar[Flow | None] = Flow(source=None)

    count: int
    split: Literal["train", "corpus", "test", "novel"]
    seed: int

    def estimate(self, rows: object) -> dict[str, float]:
        return {"rows": float(self.count)}

    def run(self, ctx: StageContext) -> Rows:
        ctx.measure(rows_read=self.count)
        return commit(ctx, generate(self.count, self.seed, self.split), [])

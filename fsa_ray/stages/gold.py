"""Training examples from labelled reviews: what a perfect teacher would have said."""

from typing import Any, ClassVar, Literal

import pyarrow as pa

from fsa_ray.core.artifact import Flow, Rows
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.core.tables import read_table
from fsa_ray.schemas.opinion import Opinion
from fsa_ray.schemas.rows import EXAMPLE
from fsa_ray.sentiment.answers import render_compact
from fsa_ray.sentiment.prompts import prompt
from fsa_ray.sentiment.synthetic.rewriting import rewrite
from fsa_ray.stages.rows import commit, derived_id


class GoldExamples(Stage[Rows]):
    """One example a review and kind; gold rewritings exist for invented reviews only."""

    name: ClassVar[str] = "gold"
    version: ClassVar[int] = 1

    labelled: Stage[Rows]
    kinds: tuple[Literal["analysis", "rewriting"], ...] = ("analysis",)

    def owes(self) -> Flow:
        return Flow(source="labelled", key="parent", fanout=len(self.kinds))

    def run(self, ctx: StageContext) -> Rows:
        reviews = read_table(ctx.root, ctx.load(self.labelled).kept).to_pylist()
        rows = [_example(review, kind) for review in reviews for kind in self.kinds]
        return commit(ctx, pa.Table.from_pylist(rows, EXAMPLE), [])


def _example(review: dict[str, Any], kind: str) -> dict[str, Any]:
    opinions = [Opinion.model_validate(opinion) for opinion in review["opinions"] or []]
    answer = (render_compact if kind == "analysis" else rewrite)(review["polarity"], opinions)
    return {
        "id": derived_id(review["id"], kind),
        "parent": review["id"],
        "review_id": review["id"],
        "kind": kind,
        "group": kind,
        "prompt": prompt(kind, "compact").render(review["text"]),
        "answer": answer,
        "polarity": review["polarity"] if kind == "analysis" else None,
        "opinions": review["opinions"] if kind == "analysis" else None,
    }

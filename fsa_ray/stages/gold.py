"""Training examples from labelled reviews: what a perfect teacher would have said."""

from typing import Any, ClassVar

import pyarrow as pa

from fsa_ray.core.artifact import Flow, Rows
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.core.tables import read_table
from fsa_ray.schemas.opinion import Opinion
from fsa_ray.schemas.rows import EXAMPLE
from fsa_ray.sentiment.perspectives import Kind
from fsa_ray.sentiment.prompts import prompt
from fsa_ray.sentiment.synthetic.answers import gold_answer
from fsa_ray.stages.rows import commit, derived_id


class GoldExamples(Stage[Rows]):
    """One example a review and kind; other kinds than analysis have gold answers for invented reviews only."""

    name: ClassVar[str] = "gold"
    version: ClassVar[int] = 2

    labelled: Stage[Rows]
    kinds: tuple[Kind, ...] = ("analysis",)

    def owes(self) -> Flow:
        return Flow(source="labelled", key="parent", fanout=len(self.kinds))

    def run(self, ctx: StageContext) -> Rows:
        reviews = read_table(ctx.root, ctx.load(self.labelled).kept).to_pylist()
        rows = [_example(review, kind) for review in reviews for kind in self.kinds]
        return commit(ctx, pa.Table.from_pylist(rows, EXAMPLE), [])


def _example(review: dict[str, Any], kind: str) -> dict[str, Any]:
    opinions = [Opinion.model_validate(opinion) for opinion in review["opinions"] or []]
    return {
        "id": derived_id(review["id"], kind),
        "parent": review["id"],
        "review_id": review["id"],
        "kind": kind,
        "group": kind,
        "prompt": prompt(kind, "compact").render(review["text"]),
        "answer": gold_answer(kind, review["polarity"], opinions),
        "polarity": review["polarity"] if kind == "analysis" else None,
        "opinions": review["opinions"] if kind == "analysis" else None,
    }

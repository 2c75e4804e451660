"""Drop reviews that share text with what models are tested on, or with what a trained teacher has seen."""

from typing import ClassVar

import pyarrow as pa

from fsa_ray.core.artifact import Flow, Rows
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.core.tables import iter_slices, read_table
from fsa_ray.schemas.rows import REVIEW
from fsa_ray.sentiment.contamination import EvaluationRuns
from fsa_ray.stages.rows import RowWriter, refused


class Decontaminate(Stage[Rows]):
    """A review is rejected if it shares `ngram` words in a row with a text of `against`, or contains a shorter one."""

    name: ClassVar[str] = "decontaminate"
    version: ClassVar[int] = 1
    flow: ClassVar[Flow | None] = Flow(source="reviews")

    reviews: Stage[Rows]
    against: tuple[Stage[Rows], ...]
    ngram: int = 13

    def run(self, ctx: StageContext) -> Rows:
        tables = [read_table(ctx.root, ctx.load(stage).kept, ["source_id", "text"]) for stage in self.against]
        known = pa.concat_tables(tables)
        runs = EvaluationRuns(known["text"], run=self.ngram)
        writer = RowWriter(ctx, REVIEW)
        for reviews in iter_slices(ctx.root, ctx.load(self.reviews).kept, REVIEW.names):
            overlap = runs.first_overlap(reviews["text"])
            names = known["source_id"].take(pa.array(overlap[overlap >= 0])).to_pylist()
            dirty = reviews.filter(pa.array(overlap >= 0))
            writer.keep(reviews.filter(pa.array(overlap < 0)))
            writer.refuse(refused(dirty, "contaminated", [f"shares text with {name}" for name in names]))
        return writer.close()

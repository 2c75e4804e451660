"""Which task is put to which review, in which format and with which solved cases."""

from collections.abc import Iterator
from itertools import islice
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from fsa_ray.core.artifact import Flow, Rows
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.core.tables import read_table
from fsa_ray.schemas.alignment import ALIGNMENT
from fsa_ray.sentiment.alignment.labelled import Query
from fsa_ray.sentiment.alignment.tasks import alignment_task
from fsa_ray.sentiment.alignment.variant import chance
from fsa_ray.stages.alignment.cases import Cases
from fsa_ray.stages.rows import commit, derived_id
from fsa_ray.stages.texts import Ids, sorted_ids, texts_of


class AlignmentRecords(Stage[Rows]):
    """At most `count` few-shot prompts about reviews (ICLDist), whose formats differ from record to record. No review
    is asked the same task twice, so there may be fewer.

    `labelled` are the reviews whose labels are shown as solved cases. `analyses` are examples of the knowledge phase:
    a task about one aspect of a review needs to know of one.
    """

    name: ClassVar[str] = "alignment-records"
    version: ClassVar[int] = 1
    flow: ClassVar[Flow | None] = Flow(source=None)

    reviews: Stage[Rows]
    labelled: Stage[Rows]
    analyses: Stage[Rows] | None = None
    tasks: tuple[str, ...]
    count: int
    most_shots: int = 8
    seed: int = 42

    def estimate(self, rows: Any) -> dict[str, float]:
        return {"rows": float(min(self.count, rows(self.reviews) * len(self.tasks)))}

    def run(self, ctx: StageContext) -> Rows:
        found = self._found(ctx)
        if len(found) < self.count:
            ctx.tell(f"{len(found):,} prompts instead of {self.count:,}: there are no more reviews")
        ctx.measure(rows_read=len(found), wanted=self.count)
        return commit(ctx, pa.Table.from_pylist(found, ALIGNMENT).sort_by("id"), [])

    def _found(self, ctx: StageContext) -> list[dict[str, Any]]:
        labelled = read_table(ctx.root, ctx.load(self.labelled).kept).to_pylist()
        cases = Cases.of(self.tasks, labelled, self.most_shots, self.seed)
        table, aspects = ctx.load(self.reviews).kept, self._aspects(ctx)
        chosen = list(islice(self._chosen(sorted_ids(ctx.root, table), aspects), self.count))
        texts = texts_of(ctx.root, table, {review for review, _ in chosen})
        found = []
        for review, task in chosen:
            query = Query(texts[review], _aspect(task, review, aspects, self.seed))
            found.append(_row(task, review, query, cases))
        return found

    def _chosen(self, ids: Ids, aspects: dict[str, list[str]]) -> Iterator[tuple[str, str]]:
        """Reviews and tasks: the tasks take turns, and a review meets all of them before the last review has met a
        second one. A task about an aspect passes by a review of which none is known."""
        for turn in range(len(self.tasks)):
            for number, name in enumerate(ids):
                review, task = name.decode(), self.tasks[(number + turn) % len(self.tasks)]
                if alignment_task(task).slot is None or aspects.get(review):
                    yield review, task

    def _aspects(self, ctx: StageContext) -> dict[str, list[str]]:
        """Of each review the aspects that the teacher saw in it."""
        if self.analyses is None:
            return {}
        table = read_table(ctx.root, ctx.load(self.analyses).kept, ["review_id", "opinions"])
        rows = table.filter(pc.is_valid(table["opinions"])).to_pylist()
        return {row["review_id"]: list(dict.fromkeys(o["aspect"] for o in row["opinions"])) for row in rows}


def _aspect(task: str, review: str, aspects: dict[str, list[str]], seed: int) -> str | None:
    """Which of a review's aspects the task is about, if it is about one."""
    return None if alignment_task(task).slot is None else chance("slot", task, review, seed).choice(aspects[review])


def _row(task: str, review: str, query: Query, cases: Cases) -> dict[str, Any]:
    record = derived_id(review, "align", task)
    variant, prompt = cases.prompt(task, query, record)
    own = {"id": record, "parent": review, "task": task, "variant": variant.model_dump_json()}
    return {**own, "text": query.text, "prompt": prompt}

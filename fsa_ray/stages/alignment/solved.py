"""Task prompts with their gold answers: what a small teacher made here learns to solve tasks from."""

from typing import Any, ClassVar

import pyarrow as pa

from fsa_ray.core.artifact import Rows
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.core.tables import read_table
from fsa_ray.schemas.rows import EXAMPLE
from fsa_ray.sentiment.alignment.labelled import LabelledReview
from fsa_ray.sentiment.alignment.tasks import alignment_task
from fsa_ray.sentiment.alignment.variant import chance
from fsa_ray.sentiment.alignment.writing import write
from fsa_ray.stages.alignment.cases import Cases
from fsa_ray.stages.rows import commit, derived_id


class SolvedAlignments(Stage[Rows]):
    """Each labelled review with one of the tasks, in a format of its own; a review that has no case of its task, such
    as one without an aspect, has no example."""

    name: ClassVar[str] = "solved-alignments"
    version: ClassVar[int] = 1

    labelled: Stage[Rows]
    tasks: tuple[str, ...]
    most_shots: int = 8
    seed: int = 42

    def run(self, ctx: StageContext) -> Rows:
        reviews = read_table(ctx.root, ctx.load(self.labelled).kept).sort_by("id").to_pylist()
        cases = Cases.of(self.tasks, reviews, self.most_shots, self.seed)
        rows = [self._example(review, self.tasks[n % len(self.tasks)], cases) for n, review in enumerate(reviews)]
        return commit(ctx, pa.Table.from_pylist([row for row in rows if row is not None], EXAMPLE), [])

    def _example(self, review: dict[str, Any], task: str, cases: Cases) -> dict[str, Any] | None:
        known = alignment_task(task).cases(LabelledReview.model_validate(review))
        if not known:
            return None
        record = derived_id(review["id"], "solved", task)
        case = chance("case", task, record, self.seed).choice(known)
        variant, prompt = cases.prompt(task, case.query, record)
        return {
            "id": record,
            "parent": review["id"],
            "review_id": review["id"],
            "kind": task,
            "group": task,
            "prompt": prompt,
            "answer": write(variant, case.gold),
        }

"""Questions about invented reviews in the formats of the alignment phase."""

from dataclasses import replace
from typing import Any, ClassVar

from fsa_ray.core.artifact import Rows
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.core.tables import read_table
from fsa_ray.evaluation.invented import ASPECTS, POLARITY
from fsa_ray.evaluation.item import Item, Prediction
from fsa_ray.evaluation.prompts import Prompt
from fsa_ray.evaluation.task import Task
from fsa_ray.sentiment.alignment.labelled import Query
from fsa_ray.sentiment.alignment.reading import read
from fsa_ray.sentiment.alignment.variant import draw_variant
from fsa_ray.sentiment.answers import Dropped
from fsa_ray.stages.alignment.cases import Cases
from fsa_ray.stages.invented_questions import InventedQuestions
from fsa_ray.stages.questions import Answering, Asking, CountTokens

ALIGNED = {POLARITY.name: "polarity", ASPECTS.name: "targets"}
"""Evaluation task to the alignment task that asks the same."""


class AlignmentQuestions(InventedQuestions):
    """A small model made from nothing reads no wording but those that it has met: each item is asked in a format drawn
    as those of the alignment phase are, with up to `shots` solved cases of `labelled` reviews."""

    name: ClassVar[str] = "alignment-questions"

    labelled: Stage[Rows]
    answering: Answering = "generation"

    def asking(self, ctx: StageContext, task: Task, counter: CountTokens) -> Asking:
        name = ALIGNED[task.name]
        labelled = read_table(ctx.root, ctx.load(self.labelled).kept).to_pylist()
        cases = {seed: Cases.of((name,), labelled, self.shots, seed) for seed in self.seeds}

        def ask(item: Item, seed: int, room: int) -> Prompt:
            variant, text = cases[seed].prompt(name, Query(item.text), item.id)
            shots = variant.shots
            while (too_long := counter(text) > room) and shots:
                shots -= 1
                _, text = replace(cases[seed], most_shots=shots).prompt(name, Query(item.text), item.id)
            return Prompt(item.id, text, shots, variant.shots - shots, too_long)

        return lambda queries, seed, room: [ask(item, seed, room) for item in queries]

    def prediction(self, task: Task, item: Item, seed: int, answer: str) -> Prediction:
        found: Any = read(draw_variant(ALIGNED[task.name], item.id, seed), answer, item.text)
        if isinstance(found, Dropped):
            return None
        return found if isinstance(found, str) else [dict(zip(ASPECTS.fields, entry, strict=True)) for entry in found]

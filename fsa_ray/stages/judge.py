"""Score the answers of a suite: each task, and each view of a merged test."""

import json
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa

from fsa_ray.core.artifact import Rows
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.core.tables import read_table, write_part
from fsa_ray.evaluation.item import Item, Prediction
from fsa_ray.evaluation.label_words import choose_labels
from fsa_ray.evaluation.scorecard import Outcome, TaskScore, outcomes, summaries
from fsa_ray.evaluation.task import Task
from fsa_ray.evaluation.tasks import load_task
from fsa_ray.stages.answer import Answer
from fsa_ray.stages.evaluate import OUTCOMES, Scores, outcome_row

ASKED = ["id", "task", "seed", "prior", "text", "item"]


class Judge(Stage[Scores]):
    """Scores under the protocol of the questions. What could not be answered counts as missing, and as wrong."""

    name: ClassVar[str] = "judge"
    version: ClassVar[int] = 2

    answers: Answer
    resamples: int = 2000

    def run(self, ctx: StageContext) -> Scores:
        asked = self.answers.questions
        questions = read_table(ctx.root, ctx.load(asked).kept, ASKED).to_pylist()
        answers = _by_id(ctx, ctx.load(self.answers))
        scores: dict[str, TaskScore] = {}
        rows: list[dict[str, Any]] = []
        for path in asked.tasks:
            task = load_task(path)
            own = [row for row in questions if row["task"] == task.name]
            items = {row["item"]: _item(row) for row in own}
            judged = [outcome for seed in asked.seeds for outcome in self._judged(task, own, items, answers, seed)]
            scores |= summaries(task, list(items.values()), judged, asked.protocol, self.resamples)
            texts = {item.id: item.text for item in items.values()}
            rows.extend(outcome_row(task.name, texts[outcome.id], outcome) for outcome in judged)
            ctx.tell(f"{task.name} {scores[task.name].score:.2f}")
        ctx.measure(items=len(rows))
        return Scores(
            scores=scores, items=write_part(ctx.root, ctx.out, "items.parquet", pa.Table.from_pylist(rows, OUTCOMES))
        )

    def _judged(
        self,
        task: Task,
        questions: list[dict[str, Any]],
        items: dict[str, Item],
        answers: dict[str, dict[str, Any]],
        seed: int,
    ) -> list[Outcome]:
        mine = [row for row in questions if row["seed"] == seed]
        priors: dict[str, list[list[float]]] = {}
        for row in mine:
            if row["prior"] is not None and answers[row["id"]]["label_logprobs"] is not None:
                priors.setdefault(row["item"], []).append(answers[row["id"]]["label_logprobs"])
        predictions: dict[str, Prediction] = {}
        for row in mine:
            answer = answers[row["id"]]
            if row["prior"] is None and answer["error"] is None:
                item = items[row["item"]]
                predictions[item.id] = self._prediction(task, item, seed, answer, priors.get(row["item"]))
        protocol = self.answers.questions.protocol
        return outcomes(task, list(items.values()), predictions, protocol, missing_as_wrong=True, seed=seed)

    def _prediction(
        self, task: Task, item: Item, seed: int, answer: dict[str, Any], priors: list[list[float]] | None
    ) -> Prediction:
        if answer["label_logprobs"] is None:
            return self.answers.questions.prediction(task, item, seed, answer["text"])
        prior = None if priors is None else np.logaddexp.reduce(np.array(priors), axis=0) - np.log(len(priors))
        return choose_labels(task, np.array([answer["label_logprobs"]]), prior)[0]


def _by_id(ctx: StageContext, answers: Rows) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in read_table(ctx.root, answers.kept).to_pylist()}


def _item(row: dict[str, Any]) -> Item:
    return Item(text=row["text"], **json.loads(row["item"]))

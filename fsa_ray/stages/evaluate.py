"""Score annotations against the gold answers of a benchmark."""

import json
from typing import Any, ClassVar, Self

import pyarrow as pa
from pydantic import model_validator

from fsa_ray.core.artifact import Artifact, DataFile, Rows
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.core.tables import iter_parts, write_part
from fsa_ray.evaluation.item import Prediction
from fsa_ray.evaluation.native import majority_prediction, native_prediction, require_native
from fsa_ray.evaluation.scorecard import Outcome, TaskScore, outcomes, summarise
from fsa_ray.evaluation.task import Protocol
from fsa_ray.evaluation.tasks import load_task
from fsa_ray.stages.benchmark import Benchmark, items_by_task

OUTCOMES = pa.schema(
    [
        ("task", pa.string()),
        ("seed", pa.int32()),
        ("id", pa.string()),
        ("text", pa.string()),
        ("gold", pa.string()),  # JSON
        ("prediction", pa.string()),  # JSON
        ("correct", pa.bool_()),
        ("invalid", pa.bool_()),
        ("missing", pa.bool_()),
        ("stats", pa.list_(pa.float64())),  # additive: summed over items they give every measure
    ]
)


class Scores(Artifact):
    """`items`: what each item's answer was worth, one row each."""

    scores: dict[str, TaskScore]
    items: DataFile


class Evaluate(Stage[Scores]):
    """Scores of one model in its own format; without annotations, of the answer that needs no model."""

    name: ClassVar[str] = "evaluate"
    version: ClassVar[int] = 2

    benchmark: Stage[Rows]
    annotations: Stage[Rows] | None
    resamples: int = 2000
    protocol: Protocol = "strict"

    @model_validator(mode="after")
    def _can_be_read_off(self) -> Self:
        if self.annotations is not None and isinstance(self.benchmark, Benchmark):
            for name in self.benchmark.tasks:
                require_native(load_task(name))
        return self

    def run(self, ctx: StageContext) -> Scores:
        answers = _annotations(ctx, self.annotations) if self.annotations is not None else None
        scores: dict[str, TaskScore] = {}
        rows: list[dict[str, Any]] = []
        for name, items in items_by_task(ctx, ctx.load(self.benchmark)).items():
            task = load_task(name)
            golds = [item.gold for item in items.values()]
            predictions: dict[str, Prediction] = {
                item.id: majority_prediction(task, golds)
                if answers is None
                else native_prediction(task, answers[row_id])
                for row_id, item in items.items()
            }
            judged = outcomes(task, list(items.values()), predictions, self.protocol)
            scores[name] = summarise(task, judged, self.protocol, self.resamples)
            texts = [item.text for item in items.values()]
            rows.extend(outcome_row(name, text, outcome) for text, outcome in zip(texts, judged, strict=True))
        ctx.measure(items=len(rows))
        table = pa.Table.from_pylist(rows, OUTCOMES)
        return Scores(scores=scores, items=write_part(ctx.root, ctx.out, "items.parquet", table))


def _annotations(ctx: StageContext, stage: Stage[Rows]) -> dict[str, dict[str, Any]]:
    parts = iter_parts(ctx.root, ctx.load(stage).kept)
    return {row["id"]: row for part in parts for row in part.to_pylist()}


def outcome_row(task: str, text: str, outcome: Outcome) -> dict[str, Any]:
    """One row of OUTCOMES."""
    return {
        "task": task,
        "seed": outcome.seed,
        "id": outcome.id,
        "text": text,
        "gold": json.dumps(outcome.gold, ensure_ascii=False),
        "prediction": json.dumps(outcome.prediction, ensure_ascii=False),
        "correct": outcome.correct,
        "invalid": outcome.invalid,
        "missing": outcome.missing,
        "stats": list(outcome.stats),
    }

"""From the records of a run to the contents of its report. The report is a view, made anew each time it is asked."""

import json
from collections.abc import Iterator
from typing import Any, cast

import numpy as np
import pyarrow as pa

from fsa_ray.core.artifact import Flow, Rows
from fsa_ray.core.pipeline import Pipeline, RunIndex
from fsa_ray.core.prices import Prices
from fsa_ray.core.record import Record, read_record
from fsa_ray.core.runner import load
from fsa_ray.core.stage import Stage
from fsa_ray.core.tables import iter_parts, read_table
from fsa_ray.evaluation.scorecard import TaskScore
from fsa_ray.reporting.contents import (
    Contents,
    DifficultyHistogram,
    Fact,
    LedgerEntry,
    PredictionSample,
    RejectSample,
    Role,
    Score,
    Scorecard,
    ScoredModel,
    TeacherSample,
    TrainingCurve,
)
from fsa_ray.reporting.html import render
from fsa_ray.schemas.opinion import Opinion
from fsa_ray.stages.difficulty import METRICS
from fsa_ray.stages.evaluate import Scores
from fsa_ray.stages.funnel import UNITS, funnel
from fsa_ray.stages.model import Model
from fsa_ray.stages.score import Score as ScoreStage
from fsa_ray.storage.folder import Folder

MODELS: dict[str, tuple[str, Role, str | None]] = {
    "teacher": ("teacher", "teacher", "teacher"),
    "student": ("distilled student", "student", "student"),
    "knowledge": ("student after the knowledge phase", "other", "knowledge"),
    "zero-shot": ("pre-trained student, zero-shot", "other", "pretrained"),
    "gold": ("student on gold labels only", "gold_only", "gold-student"),
    "majority": ("majority answer", "majority", None),
}
"""Suffix of the evaluate stage to name, role, and label of the model stage."""

SAMPLES = 12
_SAID = ["id", "parent", "kind", "text", "error"]
BINS = 24


def write_report(root: Folder, pipeline: Pipeline, prices: Prices) -> str:
    """Write `reports/NAME.html` below the root; returns where it lies. Raises ValueError if a stage is not done."""
    index = RunIndex.read(root, pipeline.name)
    assert index is not None, "a run writes its index before its stages"
    return write_page(root, pipeline.name, render(contents(root, pipeline, index, prices)))


def write_page(root: Folder, name: str, page: str) -> str:
    """Returns where it lies."""
    folder = root / "reports"
    folder.put(f"{name}.html", page.encode("utf-8"))
    return f"{folder.url}/{name}.html"


def contents(root: Folder, pipeline: Pipeline, index: RunIndex, prices: Prices) -> Contents:
    records = {label: read_record(root, stage) for label, stage in pipeline.order()}
    missing = [label for label, record in records.items() if record is None]
    if missing:
        raise ValueError(f"run {pipeline.name!r} is not finished: {', '.join(missing)}; run its spec again to go on")
    done = cast("dict[str, Record]", records)
    stages = pipeline.stages
    return Contents(
        run=pipeline.name,
        created=index.started,
        spec=tuple(spec_facts(index.spec)),
        notes=tuple(notes_on(index.spec)),
        scorecard=scorecard(root, pipeline),
        funnel=tuple(funnel(root, stages, done)),
        teacher_samples=tuple(_teacher_samples(root, stages)),
        reject_samples=tuple(_reject_samples(root, stages)),
        difficulty=_difficulty(root, stages),
        curves=tuple(_curves(root, stages)),
        predictions=tuple(_predictions(root, stages)),
        ledger=tuple(
            _ledger_entry(label, stages[label].costly, record, index, prices) for label, record in done.items()
        ),
        currency=prices.currency,
        provenance=tuple(provenance_of(done)),
    )


def scorecard(root: Folder, pipeline: Pipeline) -> Scorecard:
    """Every evaluated model of a run, teacher first; empty if nothing was evaluated."""
    models, tasks = [], dict[str, None]()
    for suffix, (name, role, label) in MODELS.items():
        stage = pipeline.stages.get(f"evaluate-{suffix}")
        if stage is None:
            continue
        scores = cast(Scores, load(root, stage)).scores
        tasks |= dict.fromkeys(scores)
        parameters = cast(Model, load(root, pipeline.stages[label])).parameters if label else None
        cells = {task: _score(score) for task, score in scores.items()}
        models.append(ScoredModel(name=name, role=role, parameters=parameters, scores=cells))
    return Scorecard(tasks=tuple(tasks), models=tuple(models), interval="95 % bootstrap intervals over items")


def _score(score: TaskScore) -> Score:
    return Score(score=score.score, low=score.low, high=score.high, n=score.n, metric=score.metric)


def spec_facts(spec: dict[str, Any]) -> Iterator[Fact]:
    for section in ("corpus", "teacher", "select", "student", "train", "evaluate"):
        values = spec.get(section) or {}
        shown = [f"{key} {value}" for key, value in values.items() if isinstance(value, str | int | float)]
        nested = [key for key, value in values.items() if isinstance(value, dict)]
        yield Fact(label=section, value=", ".join([*nested, *shown]) or "defaults")


def notes_on(spec: dict[str, Any]) -> Iterator[str]:
    if spec["corpus"].get("invented"):
        yield "The reviews are invented by a grammar: the figures show the machinery at work, not a real model's worth."
    if spec["evaluate"].get("invented"):
        yield "The test reviews come from the same grammar as the corpus; some of their words occur in no other split."
    if spec["evaluate"].get("data"):
        yield "Reviews that share text with a test set there were dropped before the teacher saw them."
    elif spec["corpus"].get("path") and not spec["evaluate"].get("invented"):
        yield "No evaluation text was given, so the reviews were filtered against none."
    if (spec["teacher"].get("embedded") or {}).get("benchmark"):
        yield "The teacher was trained on train splits of the benchmark, so its scores are in-domain."


def _teacher_samples(root: Folder, stages: dict[str, Stage[Any]]) -> Iterator[TeacherSample]:
    asked = stages["teach"]
    source = (asked.owes() or Flow(source=None)).source
    assert source is not None
    reviews = read_table(root, load(root, asked.inputs_of(source)[0]).kept, ["id", "domain", "text"])
    said = [read_table(root, load(root, stage).kept, _SAID) for stage in stages["parse"].inputs_of("responses")]
    responses = pa.concat_tables(said)
    examples = read_table(root, load(root, stages["parse"]).kept, ["parent", "opinions"])
    opinions = {row["parent"]: row["opinions"] for row in examples.to_pylist()}
    review_of = {row["id"]: row for row in _sample(reviews, "id").to_pylist()}
    for row in responses.filter(pa.compute.is_in(responses["parent"], pa.array(list(review_of)))).to_pylist():
        review = review_of[row["parent"]]
        yield TeacherSample(
            review=review["text"],
            domain=review["domain"] or "",
            kind=row["kind"],
            answer=row["text"] or "",
            opinions=_opinions(opinions.get(row["id"])),
            error=row["error"] or (None if row["id"] in opinions else "rejected by the parser"),
        )


def _reject_samples(root: Folder, stages: dict[str, Stage[Any]]) -> Iterator[RejectSample]:
    for label in UNITS:
        if label not in stages:
            continue
        rows = cast(Rows, load(root, stages[label]))
        for reason in rows.reasons:
            found = read_table(root, rows.rejected)
            some = _sample(found.filter(pa.compute.equal(found["reason"], reason)), "id", 2)
            for row in some.to_pylist():
                yield RejectSample(stage=label, reason=reason, detail=row["detail"] or "", text=row["text"] or "")


def _difficulty(root: Folder, stages: dict[str, Stage[Any]]) -> DifficultyHistogram | None:
    if "score" not in stages:
        return None
    values = [_difficulties(root, stages[label]) for label in ("score", "select")]
    if not len(values[0]):
        return None
    edges = np.histogram_bin_edges(values[0], BINS)
    scored, selected = (tuple(np.histogram(part, edges)[0].tolist()) for part in values)
    metric = METRICS[cast(ScoreStage, stages["score"]).metric]
    return DifficultyHistogram(metric=metric, edges=tuple(edges.tolist()), scored=scored, selected=selected)


def _difficulties(root: Folder, stage: Stage[Any]) -> Any:
    table = read_table(root, cast(Rows, load(root, stage)).kept, ["difficulty"])
    return table["difficulty"].drop_null().to_numpy()


def _curves(root: Folder, stages: dict[str, Stage[Any]]) -> Iterator[TrainingCurve]:
    for name, role, label in MODELS.values():
        if label not in stages:
            continue
        model = cast(Model, load(root, stages[label]))
        if model.curve is not None:
            lines = [json.loads(line) for line in root.get(model.curve.key).splitlines()]
            yield TrainingCurve(
                model=name,
                role=role,
                steps=tuple(line["step"] for line in lines),
                loss=tuple(line["loss"] for line in lines),
                lr=tuple(line["lr"] for line in lines),
            )


def _predictions(root: Folder, stages: dict[str, Stage[Any]]) -> Iterator[PredictionSample]:
    if "predict" not in stages:
        return
    for part in iter_parts(root, cast(Rows, load(root, stages["predict"])).kept):
        for row in part.slice(0, SAMPLES).to_pylist():
            yield PredictionSample(
                text=row["text"],
                polarity=row["polarity"],
                confidence=row["confidence"],
                opinions=_opinions(row["opinions"]),
                error=row["error"],
            )


def _ledger_entry(label: str, costly: bool, record: Record, index: RunIndex, prices: Prices) -> LedgerEntry:
    prompt, output = (round(record.measures.get(key, 0)) for key in ("prompt_tokens", "output_tokens"))
    return LedgerEntry(
        stage=label,
        seconds=record.seconds,
        prompt_tokens=prompt,
        output_tokens=output,
        engine_starts=round(record.measures.get("engine_starts", 0)),
        goodput=record.measures.get("goodput"),
        cost=prices.of(prompt, output) if costly else None,
        reused=record.provenance.started < index.started,
    )


def provenance_of(done: dict[str, Record]) -> Iterator[Fact]:
    last = max((record.provenance for record in done.values()), key=lambda provenance: provenance.ended)
    yield Fact(label="host", value=last.host)
    yield Fact(label="placement", value=last.placement)
    if last.commit is not None:
        yield Fact(label="commit", value=last.commit[:12] + ("" if last.clean else " with changes"))
    yield Fact(label="Python", value=last.python)
    for package, version in last.packages.items():
        yield Fact(label=package, value=version)


def _sample(table: pa.Table, column: str, count: int = SAMPLES) -> pa.Table:
    """The rows with the smallest ids: a draw that does not change from one report to the next."""
    chosen = np.zeros(len(table), bool)
    chosen[pa.compute.sort_indices(table[column])[:count].to_numpy()] = True
    return table.filter(pa.array(chosen)).sort_by(column)  # to take rows of over 2 GiB of text is an error


def _opinions(rows: list[dict[str, Any]] | None) -> tuple[Opinion, ...]:
    return tuple(Opinion.model_validate(row) for row in rows or [])

"""All that a report of a run shows, as plain frozen values; who fills them knows stages, this room does not.

Review and answer texts in here are data from strangers. They are kept as they are and escaped where they are shown.
"""

from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, FiniteFloat, model_validator

from fsa_ray.schemas.opinion import Opinion, Polarity

Role = Literal["teacher", "student", "gold_only", "majority", "other"]
Count = Annotated[int, Field(ge=0)]


class Part(BaseModel):
    """Base of every value in this file."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Fact(Part):
    label: str
    value: str


class FunnelStep(Part):
    """What one stage did to its rows. `kept` + rejects may exceed `rows_in` where a stage makes several rows of one."""

    label: str
    unit: str = "rows"  # of `kept`: reviews, answers, examples
    rows_in: Count
    kept: Count
    rejected: dict[str, Count] = {}  # rejects by reason
    told: str = ""  # what the counts do not tell, for the reader

    @property
    def dropped(self) -> int:
        return sum(self.rejected.values())


class TeacherSample(Part):
    review: str
    domain: str
    kind: str  # which prompt: analysis, rewriting
    answer: str
    opinions: tuple[Opinion, ...] = ()
    error: str | None = None


class RejectSample(Part):
    stage: str
    reason: str
    detail: str
    text: str


class PredictionSample(Part):
    text: str
    polarity: Polarity | None
    confidence: FiniteFloat | None  # 0 to 1
    opinions: tuple[Opinion, ...] = ()
    error: str | None = None


class DifficultyHistogram(Part):
    """Counts of examples between neighbouring `edges` (one more than bins), before and after selection."""

    metric: str  # which difficulty, in words
    edges: tuple[FiniteFloat, ...]
    scored: tuple[Count, ...]
    selected: tuple[Count, ...]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if not len(self.edges) - 1 == len(self.scored) == len(self.selected) > 0:
            raise ValueError(
                f"{len(self.edges)} edges need {len(self.edges) - 1} counts of scored and of selected rows"
            )
        if any(left >= right for left, right in pairwise(self.edges)):
            raise ValueError("edges must rise")
        return self


class TrainingCurve(Part):
    """Loss (nats per token) of one training, at optimiser steps. `lr` is empty if it was not recorded."""

    model: str
    role: Role = "other"
    steps: tuple[Count, ...]
    loss: tuple[float, ...]  # may hold NaN or infinity: the page says so
    lr: tuple[FiniteFloat, ...] = ()

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if len(self.steps) != len(self.loss) or (self.lr and len(self.lr) != len(self.steps)):
            raise ValueError(
                f"curve {self.model!r}: {len(self.steps)} steps, {len(self.loss)} losses, {len(self.lr)} lr"
            )
        return self


class Score(Part):
    """A metric from 0 to 100 with its interval, on `n` items."""

    score: FiniteFloat
    low: FiniteFloat
    high: FiniteFloat
    n: Count
    metric: str


class ScoredModel(Part):
    name: str
    role: Role
    parameters: Count | None = None
    scores: dict[str, Score] = {}  # by task; a task may be missing


class Scorecard(Part):
    """Models in rows, tasks in columns, both in the order of showing."""

    tasks: tuple[str, ...] = ()
    models: tuple[ScoredModel, ...] = ()
    interval: str = ""  # what low and high are, e.g. "95 % bootstrap intervals"

    @model_validator(mode="after")
    def _fits(self) -> Self:
        names = [model.name for model in self.models]
        if len({*names}) < len(names) or len({*self.tasks}) < len(self.tasks):
            raise ValueError(f"names of models and tasks must differ: {names}, {self.tasks}")
        for model in self.models:
            if unknown := model.scores.keys() - {*self.tasks}:
                raise ValueError(f"{model.name!r} has scores of {sorted(unknown)}, which are not among the tasks")
        for task in self.tasks:
            if len(metrics := {model.scores[task].metric for model in self.models if task in model.scores}) > 1:
                raise ValueError(f"task {task!r} mixes the metrics {sorted(metrics)}")
        return self

    def metric(self, task: str) -> str | None:
        return next((model.scores[task].metric for model in self.models if task in model.scores), None)

    def size(self, task: str) -> int | None:
        """The number of items that all models answered, or None where it differs."""
        sizes = {model.scores[task].n for model in self.models if task in model.scores}
        return sizes.pop() if len(sizes) == 1 else None

    def first(self, role: Role) -> ScoredModel | None:
        return next((model for model in self.models if model.role == role), None)


class LedgerEntry(Part):
    """What one stage took when it ran. `reused`: that was an earlier run, this one paid nothing for it."""

    stage: str
    seconds: FiniteFloat
    prompt_tokens: Count = 0
    output_tokens: Count = 0
    engine_starts: Count = 0
    goodput: FiniteFloat | None = None  # share of the work that was not lost and redone; null: not counted
    cost: FiniteFloat | None = None  # null: no price is known
    reused: bool = False


class Contents(Part):
    """The whole report. Every part but the first two may be empty; the page then says that there is nothing."""

    run: str
    created: AwareDatetime
    spec: tuple[Fact, ...] = ()
    notes: tuple[str, ...] = ()  # honest remarks for the reader, e.g. what the test texts are
    scorecard: Scorecard = Scorecard()
    funnel: tuple[FunnelStep, ...] = ()
    teacher_samples: tuple[TeacherSample, ...] = ()
    reject_samples: tuple[RejectSample, ...] = ()
    difficulty: DifficultyHistogram | None = None
    curves: tuple[TrainingCurve, ...] = ()
    predictions: tuple[PredictionSample, ...] = ()
    ledger: tuple[LedgerEntry, ...] = ()
    currency: str = "USD"
    provenance: tuple[Fact, ...] = ()

"""A made-up run for the report's tests."""

from datetime import UTC, datetime

import pytest

from fsa_ray.reporting.contents import (
    Contents,
    DifficultyHistogram,
    Fact,
    FunnelStep,
    LedgerEntry,
    PredictionSample,
    RejectSample,
    Score,
    Scorecard,
    ScoredModel,
    TeacherSample,
    TrainingCurve,
)
from fsa_ray.reporting.html import render
from fsa_ray.schemas.opinion import Opinion

CREATED = datetime(2026, 11, 22, 9, 41, tzinfo=UTC)


def score(value: float) -> Score:
    return Score(score=value, low=value - 2, high=value + 2, n=600, metric="macro F1")


@pytest.fixture(scope="session")
def card() -> Scorecard:
    return Scorecard(
        tasks=("polarity", "ATSA"),
        interval="95 % bootstrap intervals",
        models=(
            ScoredModel(
                name="Teacher", role="teacher", parameters=8_000_000, scores={"polarity": score(90), "ATSA": score(70)}
            ),
            ScoredModel(
                name="Student", role="student", parameters=2_000_000, scores={"polarity": score(85), "ATSA": score(67)}
            ),
            ScoredModel(name="Gold only", role="gold_only", scores={"polarity": score(60), "ATSA": score(66)}),
            ScoredModel(name="Majority", role="majority", scores={"polarity": score(20)}),
        ),
    )


@pytest.fixture(scope="session")
def contents(card: Scorecard) -> Contents:
    review = "The soup was cold, but the waiter smiled."
    cold = Opinion(target="soup", aspect="food", polarity="negative", evidence="soup was cold")
    steps = tuple(range(1, 41))
    return Contents(
        run="demo",
        created=CREATED,
        spec=(Fact(label="student", value="2M parameters"),),
        notes=("The test texts are in-domain.",),
        scorecard=card,
        funnel=(
            FunnelStep(label="ingest", unit="reviews", rows_in=1_000, kept=990, rejected={"too_short": 10}),
            FunnelStep(label="teach", unit="answers", rows_in=990, kept=1_980, told="7 without a usable answer"),
        ),
        teacher_samples=(
            TeacherSample(review=review, domain="food", kind="analysis", answer="negative\nsoup", opinions=(cold,)),
            TeacherSample(review=review, domain="food", kind="analysis", answer="?", error="no polarity in line 1"),
        ),
        reject_samples=(
            RejectSample(stage="parse", reason="invented", detail="opinion 2", text="lovely"),
            RejectSample(stage="ingest", reason="too_short", detail="1 word", text="ok"),
        ),
        difficulty=DifficultyHistogram(metric="Ranking.", edges=(0.0, 0.5, 1.0), scored=(8, 4), selected=(2, 4)),
        curves=(
            TrainingCurve(
                model="Student",
                role="student",
                steps=steps,
                loss=tuple(9 / step for step in steps),
                lr=tuple(1e-3 / step for step in steps),
            ),
            TrainingCurve(model="Gold only", steps=(1, 2, 3), loss=(3.0, float("nan"), 2.0)),
        ),
        predictions=(
            PredictionSample(text=review, polarity="negative", confidence=0.81, opinions=(cold,)),
            PredictionSample(text="?", polarity=None, confidence=None, error="cut at 256 tokens"),
        ),
        ledger=(
            LedgerEntry(stage="ingest", seconds=2, reused=True),
            LedgerEntry(
                stage="teach",
                seconds=120,
                prompt_tokens=10_000,
                output_tokens=5_000,
                engine_starts=1,
                goodput=0.88,
                cost=1.5,
            ),
        ),
        provenance=(Fact(label="ray", value="2.60.0"),),
    )


@pytest.fixture(scope="session")
def page(contents: Contents) -> str:
    return render(contents)

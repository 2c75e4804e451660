import pytest
from pydantic import ValidationError

from fsa_ray.reporting.contents import DifficultyHistogram, Score, Scorecard, ScoredModel, TrainingCurve


def model(name: str, metric: str) -> ScoredModel:
    return ScoredModel(name=name, role="other", scores={"t": Score(score=1, low=0, high=2, n=3, metric=metric)})


def test_a_task_has_one_metric() -> None:
    with pytest.raises(ValidationError, match="mixes the metrics"):
        Scorecard(tasks=("t",), models=(model("a", "F1"), model("b", "accuracy")))


def test_names_differ_and_tasks_are_known() -> None:
    with pytest.raises(ValidationError, match="must differ"):
        Scorecard(tasks=("t",), models=(model("a", "F1"), model("a", "F1")))
    with pytest.raises(ValidationError, match="not among the tasks"):
        Scorecard(tasks=(), models=(model("a", "F1"),))


def test_sizes_fit_together() -> None:
    with pytest.raises(ValidationError, match="2 edges need 1 counts"):
        DifficultyHistogram(metric="m", edges=(0, 1), scored=(1, 2), selected=(1,))
    with pytest.raises(ValidationError, match="must rise"):
        DifficultyHistogram(metric="m", edges=(1, 1), scored=(1,), selected=(1,))
    with pytest.raises(ValidationError, match="2 steps, 1 losses"):
        TrainingCurve(model="m", steps=(1, 2), loss=(1.0,))

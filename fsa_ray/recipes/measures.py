"""What a run measures, and by which questions."""

from typing import Any

from fsa_ray.core.artifact import Rows
from fsa_ray.core.stage import Stage
from fsa_ray.recipes.spec import Spec
from fsa_ray.stages.annotate import Annotate
from fsa_ray.stages.benchmark import Benchmark, InventedBenchmark
from fsa_ray.stages.evaluate import Evaluate
from fsa_ray.stages.evaluation_texts import EvaluationTexts
from fsa_ray.stages.invent import Invent
from fsa_ray.stages.model import Model


def benchmark_of(spec: Spec, stages: dict[str, Stage[Any]]) -> Stage[Rows] | None:
    """What models are tested on; None if the spec names nothing. Raises ValueError naming a file that is missing."""
    evaluation = spec.evaluate
    if evaluation.data is not None:
        return Benchmark.at(evaluation.data, evaluation.tasks, limit=evaluation.limit)
    if evaluation.invented is not None:
        stages["test-labels"] = labels = Invent(count=evaluation.invented, split="test", seed=spec.seed)
        return InventedBenchmark(labelled=labels)
    return None


def evaluation_texts_of(spec: Spec, stages: dict[str, Stage[Any]], benchmark: Stage[Rows] | None) -> Stage[Rows] | None:
    """What reviews and instructions must share no text with: all test texts under `evaluate.data`, measured or not, so
    that other tasks can be measured later; of an invented benchmark the benchmark itself."""
    if spec.evaluate.data is None:
        return benchmark
    stages["evaluation-texts"] = texts = EvaluationTexts.at(spec.evaluate.data, spec.evaluate.tasks)
    return texts


def annotate(spec: Spec, reviews: Stage[Rows], student: Stage[Model]) -> Annotate:
    """A student of this run asked about `reviews`."""
    return Annotate(
        reviews=reviews,
        model=student,
        max_tokens=spec.evaluate.max_tokens,
        max_length=spec.student.sequence_length,
        precision=spec.teacher.precision,
    )


def annotate_by_teacher(spec: Spec, reviews: Stage[Rows], teacher: Stage[Model]) -> Annotate:
    """The teacher asked about `reviews`, by the engine that also teaches."""
    return Annotate(
        reviews=reviews,
        model=teacher,
        style=spec.teacher.style,
        max_tokens=spec.teacher.max_tokens,
        max_length=spec.teacher.max_length,
        precision=spec.teacher.precision,
    )


def measure(
    spec: Spec,
    stages: dict[str, Stage[Any]],
    benchmark: Stage[Rows] | None,
    models: dict[str, Stage[Model] | None],
) -> None:
    """Add the stages that ask each model about the benchmark in its own format and score it, and the majority."""
    if benchmark is None:
        return
    stages["benchmark"] = benchmark
    for label, model in models.items():
        if model is not None:
            ask = annotate_by_teacher if label == "teacher" else annotate
            stages[f"annotate-{label}"] = annotations = ask(spec, benchmark, model)
            stages[f"evaluate-{label}"] = Evaluate(benchmark=benchmark, annotations=annotations)
    stages["evaluate-majority"] = Evaluate(benchmark=benchmark, annotations=None)

"""Measuring models by in-context prompts, as the papers do."""

from typing import Annotated, Any, Literal

from pydantic import Field

from fsa_ray.core.artifact import Rows
from fsa_ray.core.pipeline import Pipeline
from fsa_ray.core.stage import Stage
from fsa_ray.recipes.section import Once
from fsa_ray.recipes.spec import Evaluation, Spec
from fsa_ray.stages.alignment.questions import AlignmentQuestions
from fsa_ray.stages.answer import Answer
from fsa_ray.stages.evaluate import Evaluate
from fsa_ray.stages.judge import Judge
from fsa_ray.stages.model import Model
from fsa_ray.stages.questions import Questions


class SuiteSpec(Evaluation):
    """What is measured: SentiBench tasks, or invented reviews, asked as prompts with demonstrations."""

    shots: int = Field(4, ge=0, le=8, description="demonstrations in a prompt")
    seeds: Annotated[tuple[int, ...], Once] = Field(
        (42, 52, 62), min_length=1, description="one draw of demonstrations for each"
    )
    protocol: Literal["v1", "v2", "strict"] = Field("strict", description="how it is asked and scored: see --protocol")


def needed(pipeline: Pipeline) -> Pipeline:
    """Without what neither the student nor a measure asks for: a control must not pay for what it leaves out."""
    measured = [label for label in pipeline.stages if label.startswith("evaluate-")]
    return Pipeline(pipeline.name, pipeline.leading_to(["student", *measured]))


def measure_by_prompts(
    spec: Spec,
    given: SuiteSpec,
    stages: dict[str, Stage[Any]],
    benchmark: Stage[Rows] | None,
    labelled: Stage[Rows] | None,
    tasks: tuple[str, ...],
    models: dict[str, Stage[Model] | None],
) -> None:
    """Add the stages that ask each model about the benchmark and score it, and the majority. `labelled`: where the
    benchmark is invented, the reviews that prompts show as solved cases."""
    if benchmark is None:
        return
    stages["benchmark"] = benchmark
    for label, model in models.items():
        if model is None:
            continue
        length = spec.teacher.max_length if label == "teacher" else spec.student.sequence_length
        asked: dict[str, Any] = {
            "model": model,
            "protocol": given.protocol,
            "seeds": given.seeds,
            "chat": True,
            "max_length": length,
        }
        if given.data is None:
            asked |= {"benchmark": benchmark, "labelled": labelled, "shots": given.shots}
            questions: Questions = AlignmentQuestions.about(tasks, **asked)
        else:
            asked["seeds"] = given.seeds if given.shots else given.seeds[:1]  # they draw solved cases, and nothing else
            questions = Questions.at(given.data, tasks, given.shots, limit=given.limit, **asked)
        stages[f"questions-{label}"] = questions
        stages[f"answers-{label}"] = answers = Answer(questions=questions, precision=spec.teacher.precision)
        stages[f"evaluate-{label}"] = Judge(answers=answers)
    stages["evaluate-majority"] = Evaluate(benchmark=benchmark, annotations=None, protocol=given.protocol)

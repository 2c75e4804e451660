"""The recipe `targeted` (Targeted Distillation): first knowledge about reviews, then alignment with task prompts."""

from typing import Any, Literal, Self

from pydantic import Field

from fsa_ray.core.artifact import Rows
from fsa_ray.core.pipeline import Pipeline
from fsa_ray.core.stage import Stage
from fsa_ray.recipes.alignment import AlignmentSpec, aligned_of, refuse_impossible, shown_cases, solved_alignments
from fsa_ray.recipes.measures import benchmark_of, evaluation_texts_of
from fsa_ray.recipes.reviews import reviews_of
from fsa_ray.recipes.spec import Spec
from fsa_ray.recipes.student import selected_of, start_of, trained
from fsa_ray.recipes.suite import SuiteSpec, measure_by_prompts, needed
from fsa_ray.recipes.teacher import labels_behind, responses_of, teacher_of
from fsa_ray.stages.alignment.questions import ALIGNED
from fsa_ray.stages.model import Model
from fsa_ray.stages.parse import Parse
from fsa_ray.training.settings import TrainSettings

Phases = Literal["both", "mixed", "knowledge", "alignment", "none"]


class TargetedSpec(Spec):
    """A run of Targeted Distillation; `train` is the knowledge phase."""

    recipe: str = Field("targeted", description="what is built from this spec")
    alignment: AlignmentSpec = AlignmentSpec()
    phases: Phases = Field(
        "both",
        description="both, one after the other; mixed: all examples at once; one of them, for as many steps; or none",
    )
    evaluate: SuiteSpec = SuiteSpec()

    def piloted(self, limit: int) -> Self:
        """The alignment phase is bounded, too."""
        return super().piloted(limit).model_copy(update={"alignment": self.alignment.piloted(limit)})


def targeted(spec: TargetedSpec) -> Pipeline:
    """Raises ValueError if something that the spec names is not there."""
    if spec.gold is not None:
        raise ValueError("gold: this recipe has no control on gold labels; leave the section out, vary `phases`")
    refuse_impossible(spec, spec.alignment)
    stages: dict[str, Stage[Any]] = {}
    benchmark = benchmark_of(spec, stages)
    texts = evaluation_texts_of(spec, stages, benchmark)
    shown = shown_cases(spec, spec.alignment, stages)
    teacher = teacher_of(spec, stages, solved_alignments(spec, spec.alignment, stages))
    reviews = reviews_of(spec, stages, texts, [*labels_behind(spec.teacher.embedded, spec.seed), shown])
    responses = responses_of(spec, stages, reviews, teacher)
    stages["parse"] = knowledge = Parse(responses=responses, reviews=reviews, partial=spec.parse.partial)
    analyses = knowledge if "analysis" in spec.teacher.prompts else None
    aligned = aligned_of(spec, spec.alignment, stages, reviews, shown, analyses, teacher, texts)
    start = start_of(spec, stages, knowledge, *aligned)
    selected = selected_of(spec, stages, knowledge, teacher, None, start)
    student = in_phases(spec, stages, start, (selected,), aligned)
    measure_phases(spec, stages, benchmark, shown, {"teacher": teacher, "student": student})
    return needed(Pipeline(spec.name, stages))


def measure_phases(
    spec: TargetedSpec,
    stages: dict[str, Stage[Any]],
    benchmark: Stage[Rows] | None,
    shown: Stage[Rows],
    models: dict[str, Stage[Model] | None],
) -> None:
    """By prompts about SentiBench, or about invented reviews in the formats of the alignment phase."""
    tasks = spec.evaluate.tasks or tuple(ALIGNED)
    if spec.evaluate.data is None and not set(tasks) <= set(ALIGNED):
        raise ValueError(f"evaluate.tasks: without evaluate.data there are {', '.join(ALIGNED)}")
    measure_by_prompts(spec, spec.evaluate, stages, benchmark, shown, tasks, models)


def in_phases(
    spec: TargetedSpec,
    stages: dict[str, Stage[Any]],
    start: dict[str, Any],
    knowledge: tuple[Stage[Rows], ...],
    aligned: tuple[Stage[Rows], ...],
) -> Stage[Model]:
    """The student: the second phase starts from the weights of the first."""
    phases = spec.phases
    settings, later = spec.train, spec.alignment.train
    tables = {"mixed": (*knowledge, *aligned), "alignment": aligned}.get(phases, knowledge)
    if phases == "mixed":
        settings = _as_long_as_both(settings, later).model_copy(update={"soft_labels": later.soft_labels})
    elif phases == "knowledge":
        settings = _as_long_as_both(settings, later)
    elif phases == "alignment":
        settings = _as_long_as_both(later, settings)
    elif phases == "none":
        settings = settings.model_copy(update={"epochs": None, "max_steps": 0, "watch": None, "soft_labels": None})
    first = trained(spec, stages, start, tables, settings)
    if phases != "both":
        stages["student"] = first
        return first
    stages["knowledge"] = first
    stages["student"] = student = trained(spec, stages, start, aligned, later, "-alignment", after=first)
    return student


def _as_long_as_both(first: TrainSettings, second: TrainSettings) -> TrainSettings:
    """The first settings for as many steps as both have, so that a control has no smaller budget. Where lengths are
    epochs they stay: then each example is seen equally often. Raises ValueError for steps here and epochs there."""
    if (first.max_steps is None) != (second.max_steps is None):
        raise ValueError("train, alignment.train: give the lengths of both phases in steps, or both in epochs")
    if first.max_steps is None or second.max_steps is None:
        return first
    return first.model_copy(update={"max_steps": first.max_steps + second.max_steps})

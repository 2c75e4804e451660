"""The recipe `joint`: the three papers together.

Knowledge from perspectives (FSA-Distillation, Targeted Distillation) and from instructions (CompEffDist), the hardest
of it selected, then alignment; soft labels as the spec says.
"""

from typing import Any

from pydantic import Field

from fsa_ray.core.pipeline import Pipeline
from fsa_ray.core.stage import Stage
from fsa_ray.recipes.alignment import aligned_of, refuse_impossible, shown_cases, solved_alignments
from fsa_ray.recipes.compeffdist import (
    CompEffSpec,
    distilled_of,
    instructions_of,
    refuse_weak_teacher,
    solved_of,
    supplied_of,
)
from fsa_ray.recipes.measures import benchmark_of, evaluation_texts_of
from fsa_ray.recipes.reviews import reviews_of
from fsa_ray.recipes.student import selected_of, start_of
from fsa_ray.recipes.suite import needed
from fsa_ray.recipes.targeted import TargetedSpec, in_phases, measure_phases
from fsa_ray.recipes.teacher import labels_behind, responses_of, teacher_of
from fsa_ray.stages.parse import Parse


class JointSpec(TargetedSpec, CompEffSpec):
    """A run of the three papers together; `train` is the knowledge phase."""

    recipe: str = Field("joint", description="what is built from this spec")


def joint(spec: JointSpec) -> Pipeline:
    """Raises ValueError if something that the spec names is not there."""
    if spec.gold is not None:
        raise ValueError("gold: this recipe has no control on gold labels; leave the section out, vary `phases`")
    refuse_impossible(spec, spec.alignment)
    refuse_weak_teacher(spec)
    stages: dict[str, Stage[Any]] = {}
    benchmark = benchmark_of(spec, stages)
    texts = evaluation_texts_of(spec, stages, benchmark)
    shown = shown_cases(spec, spec.alignment, stages)
    supplied = supplied_of(spec, stages)
    learned = (*solved_of(spec, stages, supplied), *solved_alignments(spec, spec.alignment, stages))
    teacher = teacher_of(spec, stages, learned)
    reviews = reviews_of(spec, stages, texts, [*labels_behind(spec.teacher.embedded, spec.seed), shown])
    responses = responses_of(spec, stages, reviews, teacher)
    stages["parse"] = perspectives = Parse(responses=responses, reviews=reviews, partial=spec.parse.partial)
    instructions = instructions_of(spec, stages, reviews, teacher, supplied, texts)
    distilled = distilled_of(spec, stages, instructions, reviews, teacher, ("respond", "distilled"))
    analyses = perspectives if "analysis" in spec.teacher.prompts else None
    aligned = aligned_of(spec, spec.alignment, stages, reviews, shown, analyses, teacher, texts)
    start = start_of(spec, stages, perspectives, distilled, *aligned)
    knowledge = (
        selected_of(spec, stages, perspectives, teacher, None, start),
        selected_of(spec, stages, distilled, teacher, None, start, "-distilled"),
    )
    student = in_phases(spec, stages, start, knowledge, aligned)
    measure_phases(spec, stages, benchmark, shown, {"teacher": teacher, "student": student})
    return needed(Pipeline(spec.name, stages))

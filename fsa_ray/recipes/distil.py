"""The recipe `distil`: reviews in, evaluated student out."""

from typing import Any

from fsa_ray.core.pipeline import Pipeline
from fsa_ray.core.stage import Stage
from fsa_ray.recipes.measures import annotate, benchmark_of, evaluation_texts_of, measure
from fsa_ray.recipes.reviews import reviews_of
from fsa_ray.recipes.spec import Spec
from fsa_ray.recipes.student import gold_labels_of, gold_student, selected_of, start_of, trained
from fsa_ray.recipes.teacher import labels_behind, responses_of, teacher_of
from fsa_ray.recipes.trainable import require_weighed_analyses
from fsa_ray.stages.parse import Parse
from fsa_ray.stages.sample import Sample

SHOWN = 60
"""Reviews of the corpus that the student annotates for the report."""


def distil(spec: Spec) -> Pipeline:
    """Raises ValueError if something that the spec names is not there."""
    if spec.train.soft_labels is not None:
        require_weighed_analyses(spec, "train.soft_labels")
    stages: dict[str, Stage[Any]] = {}
    teacher = teacher_of(spec, stages)
    gold_labels = gold_labels_of(spec)
    benchmark = benchmark_of(spec, stages)
    texts = evaluation_texts_of(spec, stages, benchmark)
    seen = [*labels_behind(spec.teacher.embedded, spec.seed), *gold_labels]
    reviews = reviews_of(spec, stages, texts, seen)
    responses = responses_of(spec, stages, reviews, teacher)
    stages["parse"] = examples = Parse(responses=responses, reviews=reviews, partial=spec.parse.partial)
    start = start_of(spec, stages, examples)
    gold = gold_student(spec, stages, gold_labels, start)
    selected = selected_of(spec, stages, examples, teacher, gold, start)
    stages["student"] = student = trained(spec, stages, start, (selected,), spec.train)
    measure(spec, stages, benchmark, {"teacher": teacher, "student": student, "gold": gold})
    stages["sample"] = sample = Sample(reviews=reviews, count=SHOWN)
    stages["predict"] = annotate(spec, sample, student)
    return Pipeline(spec.name, stages)

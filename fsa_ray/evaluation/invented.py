"""Two tasks over invented labelled reviews, for runs without a benchmark at hand. They are no published benchmark."""

from collections.abc import Mapping
from typing import Any

from fsa_ray.evaluation.aspects import aspect_terms
from fsa_ray.evaluation.classification import ClassificationTask
from fsa_ray.evaluation.extraction import ExtractionTask
from fsa_ray.evaluation.item import Item
from fsa_ray.evaluation.task import Task
from fsa_ray.schemas.opinion import POLARITIES

POLARITY = ClassificationTask(
    name="invented_polarity",
    folder="",
    labels=POLARITIES,
    sizes={},
    instruction="You are given a review. Decide whether its writer's overall feeling is positive, negative or neutral.",
)
ASPECTS = ExtractionTask(
    name="invented_aspects",
    version=2,
    folder="",
    labels=(),
    sizes={},
    instruction="You are given a review. List each thing that is judged in it, with the sentiment towards it.",
    fields=("aspect_term", "sentiment"),
    spans=("aspect_term",),
    reader=aspect_terms,
    protocols=("v1", "v2", "strict", "p1"),
)
INVENTED: dict[str, Task] = {task.name: task for task in (POLARITY, ASPECTS)}


def invented_items(review: Mapping[str, Any], position: int) -> dict[str, Item]:
    """Task name to item, from one row of a LABELLED_REVIEW table. Opinions whose target is implied name no term."""
    terms = [
        {"aspect_term": opinion["target"], "sentiment": opinion["polarity"]}
        for opinion in review["opinions"] or []
        if opinion["target"] is not None
    ]
    return {
        POLARITY.name: Item(review["id"], position, review["text"], review["polarity"]),
        ASPECTS.name: Item(review["id"], position, review["text"], terms),
    }

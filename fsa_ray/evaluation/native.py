"""Scoring a model in its own format: from one annotation of a text to a task's prediction.

A student of this product answers one prompt: overall polarity, then opinions. Some benchmark tasks can be read off
that answer; the others must be asked in their own words, with demonstrations.
"""

from collections.abc import Mapping
from typing import Any

from fsa_ray.evaluation.classification import ClassificationTask
from fsa_ray.evaluation.item import Prediction
from fsa_ray.evaluation.task import Task
from fsa_ray.schemas.opinion import POLARITIES

TERMS = ("aspect_term", "sentiment")
GRAPH = ("holder", "target", "sentiment_expression", "sentiment_polarity")


def answers_natively(task: Task) -> bool:
    """Whether the task's answer can be read off an annotation."""
    if isinstance(task, ClassificationTask):
        return set(task.labels) <= set(POLARITIES)
    return getattr(task, "fields", ()) in (TERMS, GRAPH)


def require_native(task: Task) -> None:
    """Raises ValueError if the task's answer cannot be read off an annotation."""
    if not answers_natively(task):
        raise ValueError(
            f"task {task.name} asks for {', '.join(task.labels) or 'another structure'}, which the student's own "
            "format (polarity and opinions) does not hold; leave it out, or ask it as a prompt with --suite"
        )


def native_prediction(task: Task, annotation: Mapping[str, Any]) -> Prediction:
    """`annotation` is a row of an ANNOTATION table.

    A label is the most probable of the task's labels at the first answer token (others are not looked at); without
    log-probabilities, the polarity that was written. An annotation with an error is an answer that cannot be read,
    but for the opinions that it has: those were read before it was cut.
    """
    if isinstance(task, ClassificationTask):
        logprobs = annotation["label_logprobs"]
        if logprobs is None:
            return str(annotation["polarity"]) if annotation["polarity"] is not None else None
        by_label = dict(zip(POLARITIES, logprobs, strict=True))
        return max(task.labels, key=lambda label: by_label[label])
    opinions = annotation["opinions"] or []
    if annotation["error"] is not None and not opinions:
        return None
    if getattr(task, "fields", ()) == TERMS:
        named = {(o["target"], o["polarity"]): None for o in opinions if o["target"] is not None}
        return [{"aspect_term": target, "sentiment": polarity} for target, polarity in named]
    return [
        {
            "holder": None,
            "target": o["target"],
            "sentiment_expression": o["evidence"],
            "sentiment_polarity": o["polarity"],
        }
        for o in opinions
    ]


def majority_prediction(task: Task, golds: list[Any]) -> Prediction:
    """The answer that needs no model: the commonest label, or for extraction nothing at all."""
    if isinstance(task, ClassificationTask):
        return max(task.labels, key=golds.count)
    return []

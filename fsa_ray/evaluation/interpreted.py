"""A label read off an interpretation: what a student that was taught to interpret reviews says without being asked
for a label (zero-shot classification of FSA-Distillation; the paper's own protocol is not known)."""

from fsa_ray.evaluation.classification import ClassificationTask
from fsa_ray.evaluation.task import Task
from fsa_ray.schemas.opinion import POLARITIES
from fsa_ray.sentiment.interpretation import read_interpretation


def can_be_interpreted(task: Task) -> bool:
    """Whether the task's labels are polarities."""
    return isinstance(task, ClassificationTask) and set(task.labels) <= set(POLARITIES)


def require_interpretable(task: Task) -> None:
    """Raises ValueError if no label of the task can be read off an interpretation."""
    if not can_be_interpreted(task):
        raise ValueError(
            f"{task.name}: only labels that are polarities can be read off an interpretation; leave the task out"
        )


def interpreted_label(task: Task, text: str) -> str | None:
    """The polarity that prevails among the judgements; neutral where none does, None where the task has no neutral or
    the text has no judgement."""
    found = [one.polarity for one in read_interpretation(text).judgements if one.polarity is not None]
    if not found:
        return None
    balance = found.count("positive") - found.count("negative")
    label = "neutral" if balance == 0 else "positive" if balance > 0 else "negative"
    return label if label in task.labels else None

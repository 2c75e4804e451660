"""Choosing a label by the log-probabilities of the label words as continuations of a prompt."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from fsa_ray.evaluation.item import Item
from fsa_ray.evaluation.task import Floats, Task

CONTENT_FREE = ("N/A", "[MASK]", "")
"""Texts that say nothing; what a model answers to them is its prior."""


def label_words(task: Task, leading_space: bool = True) -> list[str]:
    """The continuations to score, in the order of `task.labels`: with a leading space after plain prompts, without
    one at the start of a chat turn. Labels of several tokens need the likelihood of the whole word."""
    return [f" {label}" if leading_space else label for label in task.labels]


def content_free_items(item: Item) -> list[Item]:
    """The item with each of the texts that say nothing, to ask for the prior under the same demonstrations."""
    return [replace(item, id=f"{item.id}/prior{n}", text=text) for n, text in enumerate(CONTENT_FREE)]


def choose_labels(task: Task, logprobs: Floats, prior: Floats | None = None) -> list[str]:
    """The best label per item from log-probabilities (items, labels).

    With `prior` (labels,) or (items, labels): contextual calibration, which divides probabilities by those that the
    model gives for content-free texts. A missing score is -inf; an item without any score raises ValueError.
    """
    scores = logprobs if prior is None else logprobs - prior
    if not np.isfinite(logprobs).any(axis=-1).all():
        raise ValueError(f"{task.name}: an item has no log-probability for any label word")
    scores = np.where(np.isfinite(logprobs), scores, -np.inf)
    return [task.labels[n] for n in np.argmax(scores, axis=-1)]


def sequence_logprob(token_logprobs: Sequence[float]) -> float:
    """Log-likelihood of a label word of several tokens."""
    return float(np.sum(np.asarray(token_logprobs, dtype=np.float64)))

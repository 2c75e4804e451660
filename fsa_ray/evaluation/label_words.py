"""Choosing a label by the log-probabilities of the label words as continuations of a prompt."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

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


@dataclass(frozen=True)
class LabelTree:
    """Label words as token ids, and the fewest questions that give the likelihood of each whole word.

    A question is a prefix shared by words, with the tokens that follow it in them: what is asked is the
    log-probability of each after the prompt and the prefix. Words that differ in their first token and have no other
    need one question.
    """

    words: tuple[tuple[int, ...], ...]

    @cached_property
    def questions(self) -> dict[tuple[int, ...], list[int]]:
        """Prefix to the tokens that can follow it; the empty prefix comes first."""
        found: dict[tuple[int, ...], list[int]] = {}
        for word in self.words:
            for length, token in enumerate(word):
                following = found.setdefault(word[:length], [])
                if token not in following:
                    following.append(token)
        return dict(sorted(found.items(), key=lambda item: len(item[0])))

    def logprobs(self, answers: Mapping[tuple[int, ...], Sequence[float]]) -> list[float]:
        """Log-likelihood of each word, from the answer to each question in the order of its tokens."""
        steps = {
            (prefix, token): value
            for prefix, following in self.questions.items()
            for token, value in zip(following, answers[prefix], strict=True)
        }
        return [sum(steps[word[:length], token] for length, token in enumerate(word)) for word in self.words]

"""Asking a causal model: what teach and annotate send to the engine."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from typing import Any

from fsa_ray.engine.question import Question, Reply
from fsa_ray.evaluation.label_words import LabelTree
from fsa_ray.sentiment.chat import ChatFormat
from fsa_ray.stages.model import chat_format

CUT = "cut at the token limit"
"""The error of an answer that the token limit ended."""


@dataclass(frozen=True)
class LabelQuestions:
    """What must be asked to learn how likely each label word is, where an answer begins with `opening`.

    Words that differ in their first token cost nothing when nothing stands before them: the answer's own first step
    tells.
    """

    opening: tuple[int, ...]
    tree: LabelTree

    @property
    def is_free(self) -> bool:
        return not self.opening and len(self.tree.questions) == 1

    def further(self, prompt: list[int]) -> list[Question]:
        """The questions that the answer itself does not settle."""
        if self.is_free:
            return []
        return [
            Question(
                [*prompt, *self.opening, *prefix],
                {"temperature": 0.0, "max_tokens": 1, "logprob_token_ids": following},
            )
            for prefix, following in self.tree.questions.items()
        ]

    def logprobs(self, replies: Sequence[Reply]) -> list[float] | None:
        """Of each word, from the reply to each question; None if the engine failed to say."""
        told = [reply.label_logprobs for reply in replies]
        if any(one is None for one in told):
            return None
        return self.tree.logprobs({prefix: one or [] for prefix, one in zip(self.tree.questions, told, strict=True)})


@dataclass(frozen=True)
class Asker:
    """Turns prompts into questions for the model at `path`. Small: sent to workers, which load its tokenizer."""

    path: str | PathLike[str]
    max_tokens: int
    trust_remote_code: bool = False

    @cached_property
    def chat(self) -> ChatFormat:
        return chat_format(self.path, self.trust_remote_code)

    @cached_property
    def _labels(self) -> dict[tuple[tuple[str, ...], str], LabelQuestions]:
        return {}

    def labels(self, words: Iterable[str], opening: str = "") -> LabelQuestions:
        """How to weigh label words with which an answer goes on after `opening`."""
        key = (tuple(words), opening)
        if key not in self._labels:
            begun, whole = self._answer_ids(opening), [self._answer_ids(opening + word) for word in key[0]]
            split = min(_shared(begun, ids) for ids in whole)
            rest = [tuple(ids[split:]) for ids in whole]
            if len({ids[:1] for ids in rest}) == len(rest):
                rest = [ids[:1] for ids in rest]
            self._labels[key] = LabelQuestions(tuple(begun[:split]), LabelTree(tuple(rest)))
        return self._labels[key]

    def questions(
        self, turn: str, schema: str | None, words: Sequence[str] | None, opening: str = "", **sampling: Any
    ) -> list[Question]:
        """What the engine is asked: a user turn, and with `words` how likely each is as (the opening of) the answer.

        A turn that is too long comes back from the engine as an error.
        """
        params = {"max_tokens": self.max_tokens, "stop_token_ids": [self.chat.end_id], **sampling}
        prompt = self.chat.prompt_ids(turn)
        if schema is not None:
            params["structured_outputs"] = {"json": schema}
        if not words:
            return [Question(prompt, params)]
        labels = self.labels(words, opening)
        if labels.is_free:
            params["logprob_token_ids"] = labels.tree.questions[()]
        return [Question(prompt, params), *labels.further(prompt)]

    def label_logprobs(self, words: Sequence[str] | None, opening: str, replies: Sequence[Reply]) -> list[float] | None:
        """Of each word, from the replies to `questions`."""
        if not words:
            return None
        labels = self.labels(words, opening)
        return labels.logprobs(replies if labels.is_free else replies[1:])

    def count(self, words: Sequence[str] | None, opening: str = "") -> int:
        """How many questions there are for a turn."""
        if not words:
            return 1
        labels = self.labels(words, opening)
        return 1 if labels.is_free else 1 + len(labels.tree.questions)

    def _answer_ids(self, answer: str) -> list[int]:
        ids, prompt = self.chat.example_ids("", answer)
        return ids[prompt:-1]


def _shared(a: Sequence[int], b: Sequence[int]) -> int:
    """Length of the common beginning."""
    return next((n for n, (one, other) in enumerate(zip(a, b, strict=False)) if one != other), min(len(a), len(b)))

"""The format of one record: which words ask, which stand for the labels, how the answer is written, how many examples.

A variant holds the words themselves, so that a stored one keeps its meaning when the wordings change.
"""

import hashlib
from random import Random

from pydantic import BaseModel, ConfigDict, Field, model_validator

from fsa_ray.schemas.opinion import POLARITIES
from fsa_ray.sentiment.alignment.tasks import AlignmentTask, alignment_task
from fsa_ray.sentiment.alignment.wording import (
    ANSWER_WORDS,
    INSTRUCTIONS,
    LABEL_SETS,
    LABEL_WORDS,
    MEANINGS,
    TEXT_WORDS,
    Form,
)
from fsa_ray.sentiment.answers import clean_value

MAX_SHOTS = 8


class Variant(BaseModel):
    """One format of one task; `model_dump_json` and `model_validate_json` store it and read it back.

    `labels` are the words for POLARITIES, in their order; `instruction` says what is asked and what they mean.
    Errors: ValueError if the task is unknown or has no such form, or a word is empty, padded or the same as another.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    task: str
    instruction: str
    labels: tuple[str, str, str]
    form: Form
    text_word: str
    answer_word: str
    shots: int = Field(ge=0, le=MAX_SHOTS)

    @model_validator(mode="after")
    def _fits(self) -> "Variant":
        if self.form not in alignment_task(self.task).forms:
            raise ValueError(f"the task {self.task} has no answers in the form {self.form}")
        words = (*self.labels, self.text_word, self.answer_word)
        if not all(word and word == clean_value(word) for word in (*words, self.instruction)):
            raise ValueError(f"a word of the variant is empty, padded or not on one line: {words}")
        if len({label.casefold() for label in self.labels}) < len(self.labels) or self.text_word == self.answer_word:
            raise ValueError(f"two words of the variant are the same: {words}")
        if any("|" in label for label in self.labels):
            raise ValueError("a label has a bar, which separates cells")
        return self

    @property
    def about(self) -> AlignmentTask:
        return alignment_task(self.task)


def draw_variant(task: str, record: str, seed: int) -> Variant:
    """The format of a record, from (seed, task, record id) alone: the order and batch of records never matter."""
    of = alignment_task(task)
    source = chance("variant", task, record, seed)
    labels = source.choice(LABEL_SETS)
    asked, meaning = source.choice(INSTRUCTIONS[task]), source.choice(MEANINGS).format(*labels)
    return Variant(
        task=task,
        instruction=f"{asked} {meaning}",
        labels=labels,
        form=source.choice(of.forms),
        text_word=source.choice(TEXT_WORDS),
        answer_word=source.choice(LABEL_WORDS if len(of.fields) == 1 else ANSWER_WORDS),
        shots=source.randint(0, MAX_SHOTS),
    )


def label_words(variant: Variant) -> tuple[str, ...] | None:
    """The whole answers that stand for POLARITIES, in their order; None unless answers are single words."""
    assert len(variant.labels) == len(POLARITIES)
    return variant.labels if variant.form == "word" else None


def chance(what: str, task: str, record: str, seed: int) -> Random:
    """A source of random choices that belongs to one record and one purpose."""
    key = f"{seed}\0{what}\0{task}\0{record}".encode("utf-8", "surrogatepass")
    return Random(hashlib.sha256(key).digest())  # noqa: S311 - reproducible, not secret

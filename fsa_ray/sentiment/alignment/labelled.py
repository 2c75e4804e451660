"""Labelled reviews, and what is asked about one: a query, and with its gold answer a case.

All texts here are on one line: a review's line breaks become blanks, in demonstrations and queries alike, so that a
review cannot start a line of a prompt and pass for a frame, a label or a demonstration.
"""

from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, field_validator

from fsa_ray.schemas.opinion import Opinion, Polarity
from fsa_ray.sentiment.answers import clean_value

Entry = tuple[str | None, ...]
"""One row of a list, in the order of the task's fields; the last is a polarity, None is a target that is implied."""

Answer = str | tuple[Entry, ...]
"""A polarity, or a list of distinct entries."""


class LabelledReview(BaseModel):
    """A review, on one line, with its overall polarity and its opinions. A row of LABELLED_REVIEW is validated to one.

    Errors: ValueError if a polarity is none of POLARITIES, or a part is missing.
    """

    model_config = ConfigDict(frozen=True)

    text: str
    polarity: Polarity
    opinions: tuple[Opinion, ...]

    @field_validator("text")
    @classmethod
    def _on_one_line(cls, text: str) -> str:
        return clean_value(text)


class Query(NamedTuple):
    """What a task is put to: a review, and for tasks about one aspect that aspect (`slot`)."""

    text: str
    slot: str | None = None


class Case(NamedTuple):
    """A query with its gold answer, for demonstrations."""

    query: Query
    gold: Answer

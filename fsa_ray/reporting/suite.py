"""What the page of a suite shows, as plain frozen values."""

from typing import Annotated

from pydantic import Field, FiniteFloat

from fsa_ray.reporting.contents import Fact, Part

Count = Annotated[int, Field(ge=0)]


class TaskRow(Part):
    """One task's score in 0-100 with its 95 % interval over items."""

    task: str
    metric: str
    score: FiniteFloat
    low: FiniteFloat
    high: FiniteFloat
    std: FiniteFloat | None  # over seeds
    n: Count
    invalid: Count
    missing: Count


class Confusion(Part):
    """How often each gold label (rows) got each answer (columns); the last column is an answer that is no label."""

    task: str
    labels: tuple[str, ...]
    counts: tuple[tuple[Count, ...], ...]

    @property
    def most(self) -> int:
        return max(max(row) for row in self.counts)


class WrongItem(Part):
    """An item that was answered wrongly; gold and answer as they are shown."""

    task: str
    id: str
    text: str
    gold: str
    answer: str
    seeds: Count  # under how many seeds it was wrong


class SuiteContents(Part):
    name: str
    facts: tuple[Fact, ...]
    mean: FiniteFloat
    rows: tuple[TaskRow, ...]
    confusions: tuple[Confusion, ...]
    wrong: tuple[WrongItem, ...]

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


class DataSplit(Part):
    """One split of a task's data; `entries` and `empty` count gold entries and items without any, in extractions."""

    items: Count
    labels: dict[str, Count]
    entries: Count
    empty: Count
    repeated: Count  # texts


class TaskData(Part):
    """What the files of a task hold, and what is amiss with them. `leaks`: "train/test" to texts that both have."""

    task: str
    splits: dict[str, DataSplit]
    leaks: dict[str, Count]
    problems: tuple[str, ...]


class SuiteContents(Part):
    """`coverage` says over how many tasks the mean is, without those that are `absent`; `low` and `high` are its 95 %
    interval, `std` is over seeds. `pilot` is the most items of a task, if not all were asked."""

    name: str
    facts: tuple[Fact, ...]
    mean: FiniteFloat
    low: FiniteFloat
    high: FiniteFloat
    std: FiniteFloat | None
    coverage: str
    absent: tuple[str, ...]
    pilot: Count | None
    rows: tuple[TaskRow, ...]
    confusions: tuple[Confusion, ...]
    wrong: tuple[WrongItem, ...]
    data: tuple[TaskData, ...]

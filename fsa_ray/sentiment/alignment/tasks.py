"""The sentiment tasks of the alignment phase: what each asks about, its fields, and how gold follows from labels."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

from fsa_ray.sentiment.alignment.entries import Field
from fsa_ray.sentiment.alignment.gold import aspect_cases, list_cases, polarity_cases
from fsa_ray.sentiment.alignment.labelled import Case, LabelledReview
from fsa_ray.sentiment.alignment.wording import Form

CLASSIFICATION: tuple[Form, ...] = ("word", "json")
LISTS: tuple[Form, ...] = ("json", "tuples", "lines")


@dataclass(frozen=True)
class AlignmentTask:
    """One task on a review.

    `fields` are those of the answer, the polarity last; a task of one field is a classification. `slot` names what the
    query holds beside the review. With `implied`, a target may be None. `cases` are the solved cases that a labelled
    review gives, possibly none.
    """

    name: str
    fields: tuple[Field, ...]
    cases: Callable[[LabelledReview], tuple[Case, ...]]
    slot: str | None = None
    implied: bool = False

    @property
    def needs(self) -> frozenset[str]:
        """Fields of opinions without which labelled reviews give no cases, or wrong ones."""
        return frozenset(self.fields) | (frozenset() if self.slot is None else {self.slot.lower()})

    @property
    def forms(self) -> tuple[Form, ...]:
        """The forms that its answers can be written in."""
        return CLASSIFICATION if len(self.fields) == 1 else LISTS


def _lists(name: str, *fields: Field, implied: bool = False) -> AlignmentTask:
    return AlignmentTask(name, fields, partial(list_cases, fields, implied=implied), implied=implied)


TASKS: Mapping[str, AlignmentTask] = MappingProxyType(
    {
        task.name: task
        for task in (
            AlignmentTask("polarity", ("polarity",), polarity_cases),
            AlignmentTask("aspect-polarity", ("polarity",), aspect_cases, slot="Aspect"),
            _lists("targets", "target", "polarity"),
            _lists("aspects", "aspect", "polarity"),
            _lists("opinions", "target", "aspect", "evidence", "polarity", implied=True),
        )
    }
)


def alignment_task(name: str) -> AlignmentTask:
    """The task of this name. Errors: ValueError if there is none."""
    if name not in TASKS:
        raise ValueError(f"no alignment task {name!r}: choose one of {', '.join(TASKS)}")
    return TASKS[name]

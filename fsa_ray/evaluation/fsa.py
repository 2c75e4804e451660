"""The FSA benchmark of FSA-Distillation: ATSA and ACSA on four sets, hard sentences merged into the test.

Its protocol p1 scores fine-tuned students: the input is the bare sentence, the answer `term | polarity ; ...`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from fsa_ray.evaluation.aspects import aspect_categories, aspect_terms
from fsa_ray.evaluation.extraction import ExtractionTask
from fsa_ray.evaluation.item import Item, Record
from fsa_ray.evaluation.task import Protocol

VIEWS = ("normal", "implicit", "mams")
SEEDS = (42, 52, 62, 72, 82, 142, 152, 162, 172, 182)


@dataclass(frozen=True, kw_only=True)
class FsaTask(ExtractionTask):
    """Aspect terms or aspect categories of one set, with the views of its merged test."""

    usual_protocol: ClassVar[Protocol] = "p1"
    view_names: ClassVar[tuple[str, ...]] = VIEWS

    def views(self, record: Record) -> dict[str, str]:
        """`implicit`: some aspect is known to have no opinion words; `mams`: several polarities in the sentence."""
        aspects = record["aspects"]
        member = {
            "normal": True,
            "implicit": any("opinion_words" in one and not one["opinion_words"] for one in aspects),
            "mams": len({one["polarity"] for one in aspects}) > 1,
        }
        return {name: "yes" for name, inside in member.items() if inside}


def view(items: Sequence[Item], name: str) -> list[Item]:
    """The items of one view of a test; ValueError for an unknown view."""
    if name not in VIEWS:
        raise ValueError(f"no view {name!r}; views: {', '.join(VIEWS)}")
    return [item for item in items if name in item.extra]


def _task(kind: str, source: str, train: int, dev: int, test: int) -> FsaTask:
    terms = kind == "atsa"
    what = (
        "aspect term, copied from the sentence," if terms else "aspect category (entity and attribute) that it judges"
    )
    field = "aspect_term" if terms else "aspect_category"
    return FsaTask(
        name=f"fsa_{kind}_{source}",
        version=2 if terms else 1,
        folder=f"{kind}/{source}",
        labels=(),
        sizes={"train": train, "dev": dev, "test": test},
        split_files={"test": ("test.json", "hard_test.json")},
        id_field="ID",
        instruction=(
            f"You are given a sentence from a review. List each {what} with the sentiment towards it: positive, "
            "negative, neutral or conflict."
        ),
        fields=(field, "sentiment"),
        spans=(field,) if terms else (),
        polarities=("positive", "negative", "neutral", "conflict"),
        reader=aspect_terms if terms else aspect_categories,
        protocols=("p1", "strict"),
    )


FSA_TASKS: dict[str, FsaTask] = {
    task.name: task
    for task in (
        _task("atsa", "rest14", 2432, 609, 1140),
        _task("atsa", "laptop14", 2436, 609, 1037),
        _task("acsa", "rest16", 1600, 400, 1016),
        _task("acsa", "laptop16", 2000, 500, 1045),
    )
}

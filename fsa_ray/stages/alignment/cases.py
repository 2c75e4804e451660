"""Prompts of one task after the other, with solved cases of labelled reviews in front."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fsa_ray.sentiment.alignment.demonstrations import Pool, draw_demonstrations, pool_of
from fsa_ray.sentiment.alignment.labelled import LabelledReview, Query
from fsa_ray.sentiment.alignment.prompt import render
from fsa_ray.sentiment.alignment.variant import Variant, draw_variant


@dataclass(frozen=True)
class Cases:
    """Where demonstrations come from, and how many at most are shown."""

    pools: dict[str, Pool]
    most_shots: int
    seed: int

    @classmethod
    def of(cls, tasks: Sequence[str], labelled: list[dict[str, Any]], most_shots: int, seed: int) -> "Cases":
        """From rows of LABELLED_REVIEW."""
        reviews = [LabelledReview.model_validate(row) for row in labelled]
        return cls({task: pool_of(task, reviews) for task in tasks}, most_shots, seed)

    def prompt(self, task: str, query: Query, record: str) -> tuple[Variant, str]:
        """The format of a record and its user turn, from the record's id alone."""
        drawn = draw_variant(task, record, self.seed)
        variant = drawn.model_copy(update={"shots": min(drawn.shots, self.most_shots)})
        shown = draw_demonstrations(self.pools[task], query, record, variant.shots, self.seed)
        return variant, render(variant, shown, query)

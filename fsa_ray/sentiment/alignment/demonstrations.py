"""Solved cases to show before a query."""

from collections.abc import Iterable
from dataclasses import dataclass

from fsa_ray.sentiment.alignment.labelled import Case, LabelledReview, Query
from fsa_ray.sentiment.alignment.tasks import alignment_task
from fsa_ray.sentiment.alignment.variant import MAX_SHOTS, chance
from fsa_ray.sentiment.answers import clean_value


@dataclass(frozen=True)
class Pool:
    """The cases of one task by review, one group for each text."""

    task: str
    groups: tuple[tuple[Case, ...], ...]


def pool_of(task: str, reviews: Iterable[LabelledReview]) -> Pool:
    """The cases that reviews give for a task; of reviews with the same text the first counts."""
    of = alignment_task(task)
    found: dict[str, tuple[Case, ...]] = {}
    for review in reviews:
        if review.text not in found:
            found[review.text] = of.cases(review)
    return Pool(task, tuple(cases for cases in found.values() if cases))


def draw_demonstrations(pool: Pool, query: Query, record: str, k: int, seed: int) -> tuple[Case, ...]:
    """k cases of different reviews, none of the query's own text, from (seed, task, record id) alone.

    Fewer demonstrations are the first of more. Errors: ValueError if k is not 0 to 8, or the pool is too small.
    """
    if not 0 <= k <= MAX_SHOTS:
        raise ValueError(f"k must be 0 to {MAX_SHOTS}, not {k}")
    source = chance("demonstrations", pool.task, record, seed)
    # One more than can be needed: at most one of the groups has the query's text.
    drawn = source.sample(range(len(pool.groups)), min(MAX_SHOTS + 1, len(pool.groups)))
    cases = [source.choice(pool.groups[n]) for n in drawn]
    own = clean_value(query.text)
    others = [case for case in cases if case.query.text != own]
    if len(others) < k:
        raise ValueError(
            f"{pool.task}: cannot show {k} examples from {len(pool.groups)} labelled reviews that fit the task; "
            f"label at least {MAX_SHOTS + 1} reviews"
        )
    return tuple(others[:k])

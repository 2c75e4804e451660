"""How the gold answer of each task follows from a labelled review.

A review whose labels do not settle a task gives no case of it: a demonstration that lacks an entry, or has one that is
not in the text, would teach to leave out and to invent.
"""

from collections.abc import Iterable

from fsa_ray.schemas.opinion import Opinion
from fsa_ray.sentiment.alignment.entries import Field, settle
from fsa_ray.sentiment.alignment.labelled import Case, Entry, LabelledReview, Query
from fsa_ray.sentiment.answers import Dropped
from fsa_ray.sentiment.grounding import FoldedText
from fsa_ray.sentiment.prompts import MOST_OPINIONS


def polarity_cases(review: LabelledReview) -> tuple[Case, ...]:
    return (Case(Query(review.text), review.polarity),)


def aspect_cases(review: LabelledReview) -> tuple[Case, ...]:
    """One case for each aspect, in order; none for aspects that are judged in more than one way."""
    pairs = listed(("aspect", "polarity"), review, review.opinions, implied=False) or ()
    judged: dict[str | None, set[str | None]] = {}
    for aspect, polarity in pairs:
        judged.setdefault(aspect, set()).add(polarity)
    return tuple(Case(Query(review.text, a), p) for a, p in pairs if a and p and len(judged[a]) == 1)


def list_cases(fields: tuple[Field, ...], review: LabelledReview, *, implied: bool) -> tuple[Case, ...]:
    """The case of a list of `fields`; without those opinions whose target is only implied, unless it may be."""
    explicit = "target" in fields and not implied
    opinions = [o for o in review.opinions if o.target is not None or not explicit]
    gold = listed(fields, review, opinions, implied=implied)
    return () if gold is None else (Case(Query(review.text), gold),)


def listed(
    fields: tuple[Field, ...], review: LabelledReview, opinions: Iterable[Opinion], *, implied: bool
) -> tuple[Entry, ...] | None:
    """The distinct entries of opinions, in order; None if one of them cannot be settled, or there are too many."""
    folded = FoldedText(review.text)
    entries: dict[Entry, None] = {}
    for opinion in opinions:
        entry = settle(fields, [getattr(opinion, field) for field in fields], folded, implied=implied)
        # A span may grow by a character that stands for several, such as an ellipsis, and then be found elsewhere.
        if isinstance(entry, Dropped) or settle(fields, entry, folded, implied=implied) != entry:
            return None
        entries[entry] = None
    return tuple(entries) if len(entries) <= MOST_OPINIONS else None

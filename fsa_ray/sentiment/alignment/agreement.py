"""Which of several samples of an answer to keep: the one that the others agree with most."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from fsa_ray.sentiment.alignment.labelled import Answer, Entry


class Agreement(NamedTuple):
    """The sample that was chosen, None if too few agree; and the share of agreement that the best one has."""

    winner: int | None
    share: float


def agree(answers: Sequence[Answer | None], least: float) -> Agreement:
    """The best supported of the samples of one answer, None being one that could not be read.

    Of labels the most frequent wins, and its share is of all samples. Of lists the one wins whose F1 over entries,
    averaged over all other samples, is highest, and that is its share; a sample that could not be read has F1 0 with
    every other. The first wins a tie. One sample alone agrees with itself.
    Errors: ValueError if `least` is not from 0 to 1.
    """
    if not 0.0 <= least <= 1.0:
        raise ValueError(f"the least agreement is {least}: it must be from 0 to 1")
    shares = _shares(answers)
    best = max(shares.values(), default=0.0)
    winner = next((n for n, share in shares.items() if share == best), None)
    return Agreement(winner if best >= least else None, best)


def entry_f1(one: tuple[Entry, ...], other: tuple[Entry, ...]) -> float:
    """F1 of two lists of distinct entries without regard to order; 1 if both are empty."""
    if not one and not other:
        return 1.0
    return 2 * len(set(one) & set(other)) / (len(one) + len(other))


def _shares(answers: Sequence[Answer | None]) -> dict[int, float]:
    """Support of each sample that could be read."""
    labels = Counter(answer for answer in answers if isinstance(answer, str))
    shares: dict[int, float] = {}
    for n, answer in enumerate(answers):
        if isinstance(answer, str):
            shares[n] = labels[answer] / len(answers)
        elif answer is not None:
            others = [other for m, other in enumerate(answers) if m != n]
            scores = [entry_f1(answer, other) if isinstance(other, tuple) else 0.0 for other in others]
            # fsum: the order of the samples must not break a tie by rounding.
            shares[n] = math.fsum(scores) / len(scores) if scores else 1.0
    return shares

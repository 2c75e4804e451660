"""Metrics from summed per-item statistics, vectorised over leading axes. All values are in [0, 1]."""

import numpy as np

from fsa_ray.evaluation.task import Floats


def _ratio(numerator: Floats, denominator: Floats, empty: float) -> Floats:
    safe = np.where(denominator == 0, 1.0, denominator)
    return np.where(denominator == 0, empty, numerator / safe)


def macro_f1(confusion: Floats) -> Floats:
    """Unweighted mean of the classes' F1, from counts (..., L, L + 1); equals scikit-learn's.

    Rows are gold labels; columns are predicted labels and, last, answers that are no label. A class that neither
    occurs nor is predicted is left out of the mean; "no label" is not a class.
    """
    labels = confusion.shape[-2]
    hits = np.diagonal(confusion[..., :labels], axis1=-2, axis2=-1)
    occurrences = confusion.sum(axis=-1) + confusion[..., :labels].sum(axis=-2)
    f1 = _ratio(2 * hits, occurrences, 0.0)
    return _ratio(f1.sum(axis=-1), (occurrences > 0).sum(axis=-1).astype(np.float64), 0.0)


def accuracy(confusion: Floats) -> Floats:
    """Share of right answers, from counts (..., L, L + 1) as in `macro_f1`."""
    hits = np.diagonal(confusion[..., : confusion.shape[-2]], axis1=-2, axis2=-1).sum(axis=-1)
    return _ratio(hits, confusion.sum(axis=(-2, -1)), 0.0)


def precision_recall_f1(sums: Floats) -> tuple[Floats, Floats, Floats]:
    """Micro precision, recall and F1 from (..., 4): predicted credit, predicted count, gold credit, gold count.

    Credit is a count of hits for exact matching and a sum of overlaps for sentiment graphs. No predictions at all
    give precision 1, as in FSA-Distillation's scorer; F1 is then still 0 unless there is no gold either.
    """
    precision = _ratio(sums[..., 0], sums[..., 1], 1.0)
    recall = _ratio(sums[..., 2], sums[..., 3], 1.0)
    return precision, recall, _ratio(2 * precision * recall, precision + recall, 0.0)

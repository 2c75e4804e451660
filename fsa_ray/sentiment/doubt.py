"""How undecided log-probabilities over label words are."""

import numpy as np
from numpy.typing import NDArray


def entropy(logprobs: NDArray[np.float64]) -> float:
    """In nats, of the probabilities normalised over the words (words,); 0 for a certain answer, at most log(words)."""
    logs = logprobs - np.logaddexp.reduce(logprobs)
    known = logs[np.isfinite(logs)]
    return float(max(0.0, -np.sum(np.exp(known) * known)))


def margin(logprobs: NDArray[np.float64]) -> float:
    """1 minus the lead of the likeliest word over the next, of probabilities normalised over the words (words,), two
    or more; 0 for a certain answer, 1 for a tie."""
    first, second = np.sort(np.exp(logprobs - np.logaddexp.reduce(logprobs)))[::-1][:2]
    return float(1.0 - (first - second))

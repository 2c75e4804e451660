"""How hard examples are for a model: the ranking-based difficulty of CompEffDist, and perplexity, IFD and length.

The reference in float64: rank and nucleus of each answer token from its logits, and their mean per example. Examples
lie one after the other; offsets (n + 1,) say where: example i has tokens offsets[i] to offsets[i + 1].
"""

import numpy as np
import numpy.typing as npt

TAU = 0.95
_EASY = 1e-6
_ROWS_AT_ONCE = 64

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def ranks_and_nuclei(logits: npt.ArrayLike, targets: npt.ArrayLike, *, tau: float = TAU) -> tuple[Ints, Ints]:
    """Rank and nucleus size of each target token.

    logits (t, vocabulary) at the steps that predict targets (t,). Tokens are sorted by falling logit; of equal logits
    the lower token id comes first. Rank: the target's position from 0. Nucleus: the number of positions whose
    cumulative probability is below `tau`, plus 1, at most the vocabulary (CompEffDist).

    Errors: ValueError for shapes that do not match, logits that are NaN, targets outside the vocabulary or tau outside
    (0, 1].
    """
    values, wanted = np.asarray(logits), np.asarray(targets, dtype=np.int64)
    if values.ndim != 2 or wanted.shape != values.shape[:1]:
        raise ValueError(f"logits {values.shape} and targets {wanted.shape} do not match: (t, vocabulary) and (t,)")
    if not 0.0 < tau <= 1.0:
        raise ValueError(f"tau is {tau}: it must be above 0 and at most 1")
    if len(wanted) and not (wanted.min() >= 0 and wanted.max() < values.shape[1]):
        raise ValueError(f"targets outside the vocabulary of {values.shape[1]}")
    ranks, nuclei = np.empty(len(wanted), np.int64), np.empty(len(wanted), np.int64)
    for start in range(0, len(wanted), _ROWS_AT_ONCE):
        part = slice(start, start + _ROWS_AT_ONCE)
        ranks[part], nuclei[part] = _part(values[part].astype(np.float64), wanted[part], tau)
    return ranks, nuclei


def _part(values: Floats, wanted: Ints, tau: float) -> tuple[Ints, Ints]:
    if np.isnan(values).any():
        raise ValueError("logits are NaN: the model is broken or overflowed")
    own = np.take_along_axis(values, wanted[:, None], axis=1)
    earlier = np.arange(values.shape[1]) < wanted[:, None]
    ranks = ((values > own) | ((values == own) & earlier)).sum(axis=1)
    ordered = -np.sort(-values, axis=1)
    p = np.exp(ordered - ordered[:, :1])
    p /= p.sum(axis=1, keepdims=True)
    below = (np.cumsum(p, axis=1) < tau).sum(axis=1)
    return ranks, np.minimum(below + 1, values.shape[1])


def token_scores(ranks: npt.ArrayLike, nuclei: npt.ArrayLike) -> Floats:
    """Difficulty of single tokens (t,), from 0 (ranked first) to 1 (outside the nucleus)."""
    rank, nucleus = np.asarray(ranks, dtype=np.float64), np.asarray(nuclei, dtype=np.float64)
    return np.where(rank < nucleus, rank / nucleus, 1.0)


def ranking_difficulty(
    ranks: npt.ArrayLike, nuclei: npt.ArrayLike, offsets: npt.ArrayLike, *, include_first: bool = False
) -> Floats:
    """Difficulty of examples (n,): the mean score of their tokens, 0 to 1, higher is harder.

    As released, tokens that the model ranks first are left out of the mean, and an example of nothing else has 0;
    `include_first` takes the mean over all tokens. An example without tokens has no difficulty: NaN.
    """
    scores, bounds = token_scores(ranks, nuclei), _bounds(offsets, np.size(ranks))
    counted = np.ones_like(scores) if include_first else (scores > _EASY).astype(np.float64)
    total, count = _sums(scores * counted, bounds), _sums(counted, bounds)
    mean = np.divide(total, count, out=np.zeros_like(total), where=count > 0)
    return np.where(np.diff(bounds) > 0, mean, np.nan)


def perplexity(logprobs: npt.ArrayLike, offsets: npt.ArrayLike) -> Floats:
    """exp of the mean negative log-probability of each example's tokens (n,); NaN without tokens."""
    bounds = _bounds(offsets, np.size(logprobs))
    lengths = np.diff(bounds).astype(np.float64)
    total = _sums(np.asarray(logprobs, dtype=np.float64), bounds)
    mean = np.divide(total, lengths, out=np.full_like(total, np.nan), where=lengths > 0)
    return np.asarray(np.exp(-mean), dtype=np.float64)


def ifd(conditioned: npt.ArrayLike, alone: npt.ArrayLike, offsets: npt.ArrayLike) -> Floats:
    """Instruction-following difficulty (n,): perplexity of the answer after its prompt over that of the answer alone.

    Both log-probability arrays (t,) are of the same answer tokens. Above 1 the prompt does not help.
    """
    return perplexity(conditioned, offsets) / perplexity(alone, offsets)


def lengths(offsets: npt.ArrayLike) -> Floats:
    """Number of tokens of each example (n,)."""
    return np.diff(np.asarray(offsets, dtype=np.int64)).astype(np.float64)


def _bounds(offsets: npt.ArrayLike, tokens: int) -> Ints:
    bounds = np.asarray(offsets, dtype=np.int64)
    if bounds.ndim != 1 or not len(bounds) or bounds[0] != 0 or bounds[-1] != tokens or (np.diff(bounds) < 0).any():
        raise ValueError(f"offsets must rise from 0 to the number of tokens, {tokens}")
    return bounds


def _sums(values: Floats, bounds: Ints) -> Floats:
    """Sums of the segments between bounds; 0 for an empty one, where reduceat alone would give a neighbour's value."""
    filled = np.flatnonzero(np.diff(bounds) > 0)
    sums = np.zeros(len(bounds) - 1)
    if len(filled):
        sums[filled] = np.add.reduceat(values, bounds[filled])
    return sums

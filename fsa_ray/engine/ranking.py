"""Rank, nucleus and log-probability of target tokens, exact.

Two ways to the same numbers. On a GPU: torch, looking at the k largest logits and at more only where they do not
reach tau. On CPUs: NumPy, in blocks that stay in the cache; its sort is vectorised, torch's takes 30 times as long.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

_BLOCK = 1 << 17  # logits that a CPU block holds, in float64 about the size of a core's second cache
_SORT_WHOLE = 8192  # up to this vocabulary a sort is no dearer than finding the largest first
_LARGEST = 1024
_STEP = 8192
_GPU_CHUNK = 1 << 26  # logits that are widened to float64 at a time
_GPU_LARGEST = 64

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class TokenRanks:
    """Of t target tokens, arrays (t,).

    `ranks`: from 0, the lower token id first among equal logits. `nuclei`: the number of positions in falling order
    whose cumulative probability is below tau, plus 1, at most the vocabulary.
    """

    ranks: Ints
    nuclei: Ints
    logprobs: Floats

    @classmethod
    def nothing(cls) -> "TokenRanks":
        """Of no tokens."""
        return cls(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))


def rank_tokens(logits: torch.Tensor, targets: torch.Tensor, *, tau: float, threads: int = 1) -> TokenRanks:
    """logits (t, vocabulary) of float32 or less at the steps that predict targets (t,).

    Softmax, sums and comparisons with tau are in float64. `threads` serve the CPU's way.
    Source: CompEffDist, ranking-based difficulty. Errors: ValueError if logits are NaN.
    """
    if not len(targets):
        return TokenRanks.nothing()
    by_topk, by_sort = partial(rank_by_topk, tau=tau), partial(rank_by_sort, tau=tau)
    ranks, nuclei, logprobs = _in_parts(logits, targets, threads, by_topk, by_sort)
    return TokenRanks(ranks, nuclei, _checked(logprobs))


def token_logprobs(logits: torch.Tensor, targets: torch.Tensor, *, threads: int = 1) -> Floats:
    """Log-probabilities (t,) of targets (t,) alone; the rest as for `rank_tokens`."""
    if not len(targets):
        return np.empty(0)
    (logprobs,) = _in_parts(logits, targets, threads, logprobs_by_torch, logprobs_by_numpy)
    return _checked(logprobs)


def _in_parts(
    logits: torch.Tensor,
    targets: torch.Tensor,
    threads: int,
    on_gpu: Callable[[Any, Any], tuple[Any, ...]],
    on_cpu: Callable[[Any, Any], tuple[Any, ...]],
) -> tuple[Any, ...]:
    """The columns of all parts, one after the other."""
    if logits.is_cuda:
        parts = [
            tuple(column.cpu().numpy() for column in on_gpu(part, wanted))
            for part, wanted in _chunks(logits, targets, _GPU_CHUNK)
        ]
    else:
        with ThreadPoolExecutor(threads) as pool:
            blocks = _chunks(logits.float().numpy(), targets.numpy(), _BLOCK)
            parts = list(pool.map(lambda block: on_cpu(*block), blocks))
    return tuple(np.concatenate(column) for column in zip(*parts, strict=True))


def _checked(logprobs: Floats) -> Floats:
    if np.isnan(logprobs).any():
        raise ValueError("logits are NaN: the model is broken or overflowed")
    return logprobs


def logprobs_by_numpy(logits: npt.NDArray[np.float32], targets: Ints) -> tuple[Floats]:
    """Log-probabilities of a few rows."""
    own = logits[np.arange(len(targets)), targets]
    top = logits.max(axis=1, keepdims=True).astype(np.float64)
    return (own - top[:, 0] - np.log(_falling_mass(logits, top).sum(axis=1)),)


def logprobs_by_torch(logits: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor]:
    """The same on any device."""
    return (logits.gather(1, targets[:, None])[:, 0].double() - logits.double().logsumexp(1),)


def rank_by_sort(logits: npt.NDArray[np.float32], targets: Ints, tau: float) -> tuple[Ints, Ints, Floats]:
    """Ranks, nuclei and log-probabilities of a few rows."""
    own = logits[np.arange(len(targets)), targets]
    rows = zip(logits, own, targets, strict=True)
    ranks = [np.count_nonzero(row > value) + np.count_nonzero(row[:token] == value) for row, value, token in rows]
    top = logits.max(axis=1, keepdims=True).astype(np.float64)
    if logits.shape[1] <= _SORT_WHOLE:
        mass = _falling_mass(np.sort(logits, axis=1), top)
        total = mass.sum(axis=1, keepdims=True)
        nuclei = _nuclei(mass, total, tau)
    else:
        total = _falling_mass(logits, top).sum(axis=1, keepdims=True)  # in no order: only the sum counts
        largest = np.partition(logits, -_LARGEST, axis=1)[:, -_LARGEST:]
        nuclei = _nuclei(_falling_mass(np.sort(largest, axis=1), top), total, tau)
        for row in np.flatnonzero(nuclei > _LARGEST):
            nuclei[row] = _wide_nucleus(np.sort(logits[row])[None], top[row], total[row], tau)
    logprobs = own - top[:, 0] - np.log(total[:, 0])
    return np.array(ranks, np.int64), np.minimum(nuclei, logits.shape[1]), logprobs


def _falling_mass(rising: npt.NDArray[np.float32], top: Floats) -> Floats:
    mass = rising[:, ::-1] - top
    return np.asarray(np.exp(mass, out=mass))


def _wide_nucleus(rising: npt.NDArray[np.float32], top: Floats, total: Floats, tau: float) -> int:
    """Of one sorted row: goes down the order in steps, as far as the nucleus reaches."""
    size, covered = 0, 0.0
    for stop in range(rising.shape[1], 0, -_STEP):
        share = _falling_mass(rising[:, max(0, stop - _STEP) : stop], top) / total
        share[0, 0] += covered
        reached = share.cumsum(axis=1)
        size += int((reached < tau).sum())
        covered = float(reached[0, -1])
        if covered >= tau:
            break
    return size + 1


def _nuclei(mass: Floats, total: Floats, tau: float) -> Ints:
    below = (mass / total).cumsum(axis=1) < tau
    return np.asarray(below.sum(axis=1) + 1, np.int64)


def rank_by_topk(
    logits: torch.Tensor, targets: torch.Tensor, tau: float
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The same on any device."""
    own = logits.gather(1, targets[:, None])
    norm = logits.double().logsumexp(1)
    rows, tokens = (logits == own).nonzero(as_tuple=True)
    earlier = (tokens < targets[rows]).to(targets.dtype)
    ranks = (logits > own).sum(1).index_add_(0, rows, earlier)
    return ranks, _nuclei_by_topk(logits, norm, tau), own[:, 0].double() - norm


def _nuclei_by_topk(logits: torch.Tensor, norm: torch.Tensor, tau: float) -> torch.Tensor:
    vocabulary = logits.shape[1]
    nuclei = torch.empty(len(logits), dtype=torch.int64, device=logits.device)
    open_rows = torch.arange(len(logits), device=logits.device)
    k = _GPU_LARGEST
    while len(open_rows):
        k = k if k * 8 < vocabulary else vocabulary
        part = logits[open_rows]
        top = part.topk(k, 1).values if k < vocabulary else part.sort(1, descending=True).values
        below = ((top.double() - norm[open_rows, None]).exp_().cumsum(1) < tau).sum(1)
        closed = (below < k) | (k == vocabulary)
        nuclei[open_rows[closed]] = (below[closed] + 1).clamp(max=vocabulary)
        open_rows = open_rows[~closed]
        k *= 4
    return nuclei


def _chunks(logits: Any, targets: Any, elements: int) -> Any:
    rows = max(1, elements // logits.shape[1])
    return ((logits[start : start + rows], targets[start : start + rows]) for start in range(0, len(targets), rows))

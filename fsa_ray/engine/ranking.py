"""Rank, nucleus and log-probability of target tokens, exact, without sorting the vocabulary where that is avoidable."""

from dataclasses import dataclass

import torch

_FIRST_K = 64
_FULL_SORT = 8  # a share 1/8 of the vocabulary is as dear as all of it


@dataclass(frozen=True)
class TokenRanks:
    """Of t target tokens: tensors (t,) on the CPU.

    `ranks`: int64, from 0, the lower token id first among equal logits. `nuclei`: int64, the number of positions in
    falling order whose cumulative probability is below tau, plus 1, at most the vocabulary. `logprobs`: float64.
    """

    ranks: torch.Tensor
    nuclei: torch.Tensor
    logprobs: torch.Tensor


def rank_tokens(
    logits: torch.Tensor, targets: torch.Tensor, *, tau: float, chunk_elements: int = 1 << 22
) -> TokenRanks:
    """logits (t, vocabulary) of any float type at the steps that predict targets (t,).

    Softmax, sums and comparisons with tau are in float64; at most `chunk_elements` logits are widened at a time.
    Source: CompEffDist, ranking-based difficulty. Errors: ValueError if logits are NaN.
    """
    rows = max(1, chunk_elements // logits.shape[1])
    parts = [
        _rank_chunk(logits[start : start + rows], targets[start : start + rows], tau)
        for start in range(0, len(targets), rows)
    ]
    if not parts:
        none = torch.empty(0, dtype=torch.int64)
        return TokenRanks(none, none, none.double())
    ranks, nuclei, logprobs = (torch.cat(column).cpu() for column in zip(*parts, strict=True))
    if logprobs.isnan().any():
        raise ValueError("logits are NaN: the model is broken or overflowed")
    return TokenRanks(ranks, nuclei, logprobs)


def _rank_chunk(
    logits: torch.Tensor, targets: torch.Tensor, tau: float
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    own = logits.gather(1, targets[:, None])
    norm = logits.double().logsumexp(1)
    ranks = (logits > own).sum(1) + _earlier_equals(logits, own, targets)
    return ranks, _nuclei(logits, norm, tau), own[:, 0].double() - norm


def _earlier_equals(logits: torch.Tensor, own: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    rows, tokens = (logits == own).nonzero(as_tuple=True)
    earlier = tokens < targets[rows]
    return torch.zeros_like(targets).index_add_(0, rows, earlier.to(targets.dtype))


def _nuclei(logits: torch.Tensor, norm: torch.Tensor, tau: float) -> torch.Tensor:
    """Look at the k largest logits of each row, and at more of them only where they do not reach tau."""
    vocabulary = logits.shape[1]
    nuclei = torch.empty(len(logits), dtype=torch.int64, device=logits.device)
    open_rows = torch.arange(len(logits), device=logits.device)
    k = _FIRST_K
    while len(open_rows):
        k = k if k * _FULL_SORT < vocabulary else vocabulary
        part = logits if len(open_rows) == len(logits) else logits[open_rows]
        top = part.topk(k, 1).values if k < vocabulary else part.sort(1, descending=True).values
        covered = (top.double() - norm[open_rows, None]).exp_().cumsum(1)
        below = (covered < tau).sum(1)
        closed = (below < k) | (k == vocabulary)
        nuclei[open_rows[closed]] = (below[closed] + 1).clamp(max=vocabulary)
        open_rows = open_rows[~closed]
        k *= 4
    return nuclei

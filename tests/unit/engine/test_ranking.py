"""Ranks and nuclei against a sort of the whole vocabulary, token by token."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fsa_ray.engine.ranking import logprobs_by_torch, rank_by_topk, rank_tokens, token_logprobs


def slow(logits: torch.Tensor, targets: torch.Tensor, tau: float) -> tuple[list[int], list[int]]:
    """The plain reading of the definition, in float64."""
    ranks, nuclei = [], []
    for row, target in zip(logits.double().numpy(), targets.tolist(), strict=True):
        order = np.argsort(-row, kind="stable")
        p = np.exp(row[order] - row.max())
        total = np.cumsum(p / p.sum())
        ranks.append(int(np.flatnonzero(order == target)[0]))
        nuclei.append(min(int((total < tau).sum()) + 1, len(row)))
    return ranks, nuclei


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    vocabulary=st.sampled_from([2, 7, 64, 65, 700, 9000]),
    scale=st.sampled_from([0.0, 0.05, 1.0, 8.0, 60.0]),
    dtype=st.sampled_from([torch.float32, torch.bfloat16]),
    tau=st.sampled_from([0.5, 0.95, 1.0]),
)
def test_equal_to_the_full_sort(seed: int, vocabulary: int, scale: float, dtype: torch.dtype, tau: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    logits = (torch.randn((9, vocabulary), generator=generator) * scale).to(dtype)
    targets = torch.randint(0, vocabulary, (9,), generator=generator)
    targets[:4] = logits[:4].argmax(1)
    found = rank_tokens(logits, targets, tau=tau, threads=2)
    ranks, nuclei = slow(logits, targets, tau)
    expected = logits.double().log_softmax(1).gather(1, targets[:, None])[:, 0]
    others = [column.tolist() for column in rank_by_topk(logits, targets, tau)]
    assert found.ranks.tolist() == others[0] == ranks
    if tau < 1.0:  # at 1 the count hangs on the last bit of the sum
        assert found.nuclei.tolist() == others[1] == nuclei
    assert found.logprobs == pytest.approx(expected.numpy(), abs=1e-10)
    assert others[2] == pytest.approx(expected.tolist(), abs=1e-10)
    for alone in (token_logprobs(logits, targets, threads=2), logprobs_by_torch(logits, targets)[0].numpy()):
        assert alone == pytest.approx(expected.numpy(), abs=1e-10)


def test_a_uniform_model_and_a_certain_one() -> None:
    uniform = rank_tokens(torch.zeros((3, 1000)), torch.tensor([0, 500, 999]), tau=0.95)
    assert uniform.ranks.tolist() == [0, 500, 999]  # ties: the lower id first
    assert all(abs(nucleus - 951) <= 1 for nucleus in uniform.nuclei.tolist())
    certain = torch.full((2, 1000), -100.0)
    certain[:, 3] = 100.0
    sure = rank_tokens(certain, torch.tensor([3, 4]), tau=0.95)
    assert sure.nuclei.tolist() == [1, 1]
    assert sure.ranks.tolist() == [0, 5 - 1]


def test_nothing_to_rank() -> None:
    none = torch.zeros((0, 10)), torch.zeros(0, dtype=torch.int64)
    assert rank_tokens(*none, tau=0.95).ranks.tolist() == token_logprobs(*none).tolist() == []


def test_nan_is_refused() -> None:
    with pytest.raises(ValueError, match="NaN"):
        rank_tokens(torch.full((1, 5), float("nan")), torch.tensor([0]), tau=0.95)
    with pytest.raises(ValueError, match="NaN"):
        token_logprobs(torch.full((1, 5), float("nan")), torch.tensor([0]))

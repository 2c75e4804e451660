import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsa_ray.sentiment.difficulty import ifd, lengths, perplexity, ranking_difficulty, ranks_and_nuclei, token_scores


def slow(logits: list[float], target: int, tau: float) -> tuple[int, int]:
    order = sorted(range(len(logits)), key=lambda i: (-logits[i], i))
    weights = [math.exp(logits[i] - logits[order[0]]) for i in order]
    total, below = 0.0, 0
    for weight in weights:
        total += weight / sum(weights)
        below += total < tau
    return order.index(target), min(below + 1, len(logits))


@given(st.integers(1, 40), st.integers(0, 100), st.integers(0, 2**32), st.sampled_from([0.5, 0.95]), st.booleans())
def test_ranks_and_nuclei_equal_a_slow_reference(
    vocabulary: int, tokens: int, seed: int, tau: float, ties: bool
) -> None:
    rng = np.random.default_rng(seed)
    logits = rng.integers(-3, 3, (tokens, vocabulary)) + (0 if ties else 1) * rng.normal(size=(tokens, vocabulary))
    targets = rng.integers(0, vocabulary, tokens)
    ranks, nuclei = ranks_and_nuclei(logits, targets, tau=tau)
    expected = [slow(row, int(y), tau) for row, y in zip(logits.tolist(), targets, strict=True)]
    assert ranks.tolist() == [r for r, _ in expected]
    # Where the running sum meets tau to the last bit, the two may round to different sides.
    assert all(abs(a - n) <= ties for a, (_, n) in zip(nuclei.tolist(), expected, strict=True))


def test_uniform_and_one_hot_models_have_known_values() -> None:
    vocabulary = 1000
    ranks, nuclei = ranks_and_nuclei(np.zeros((3, vocabulary)), [0, 500, 999], tau=0.9504)
    assert ranks.tolist() == [0, 500, 999] and set(nuclei.tolist()) == {951}
    assert token_scores(ranks, nuclei).tolist() == [0.0, 500 / 951, 1.0]
    hot = np.full((2, vocabulary), -1e9)
    hot[:, 7] = 0
    ranks, nuclei = ranks_and_nuclei(hot, [7, 8])
    assert nuclei.tolist() == [1, 1] and ranking_difficulty(ranks, nuclei, [0, 1, 2]).tolist() == [0.0, 1.0]


def test_equal_logits_rank_by_token_id_and_infinite_ones_rank_last() -> None:
    ranks, _ = ranks_and_nuclei(np.array([[1.0, 2.0, 2.0, -np.inf]] * 4), [0, 1, 2, 3])
    assert ranks.tolist() == [2, 0, 1, 3]


def test_tokens_ranked_first_are_left_out_unless_asked_for() -> None:
    ranks, nuclei, offsets = [0, 1, 3, 0, 0, 5], [4, 4, 2, 1, 1, 10], [0, 3, 5, 5, 6]
    np.testing.assert_allclose(ranking_difficulty(ranks, nuclei, offsets), [0.625, 0, np.nan, 0.5])
    np.testing.assert_allclose(
        ranking_difficulty(ranks, nuclei, offsets, include_first=True), [1.25 / 3, 0, np.nan, 0.5]
    )


@given(st.lists(st.integers(0, 5), max_size=12), st.integers(0, 99))
def test_examples_are_scored_apart(sizes: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(int)
    ranks, nuclei = rng.integers(0, 5, offsets[-1]), rng.integers(1, 5, offsets[-1])
    for include in (False, True):
        together = ranking_difficulty(ranks, nuclei, offsets, include_first=include)
        for i, size in enumerate(sizes):
            part = slice(offsets[i], offsets[i + 1])
            alone = ranking_difficulty(ranks[part], nuclei[part], [0, size], include_first=include)
            np.testing.assert_allclose(together[i], alone[0], rtol=1e-12)


def test_perplexity_ifd_and_length() -> None:
    offsets = [0, 2, 2, 3]
    logprobs = np.log([0.5, 0.125, 0.2])
    np.testing.assert_allclose(perplexity(logprobs, offsets), [4, np.nan, 5])
    np.testing.assert_allclose(ifd(logprobs, np.log([0.25, 0.25, 0.1]), offsets), [1, np.nan, 0.5])
    assert lengths(offsets).tolist() == [2, 0, 1]


@pytest.mark.parametrize(
    ("logits", "targets", "tau", "message"),
    [
        (np.zeros(3), [0], 0.9, "match"), (np.zeros((2, 3)), [0], 0.9, "match"), (np.zeros((1, 3)), [3], 0.9, "vocab"),
        (np.full((1, 3), np.nan), [0], 0.9, "NaN"), (np.zeros((1, 3)), [0], 0.0, "tau"),
    ],
)  # fmt: skip
def test_mistakes_are_named(logits: np.ndarray, targets: list[int], tau: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ranks_and_nuclei(logits, targets, tau=tau)
    with pytest.raises(ValueError, match="offsets"):
        perplexity([0.0, 0.0], [0, 1])

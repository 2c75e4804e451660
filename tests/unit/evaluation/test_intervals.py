"""Intervals and tests on known synthetic scores."""

import time

import numpy as np
import pytest
from scipy.stats import binom

from fsa_ray.evaluation.comparison import compare
from fsa_ray.evaluation.intervals import difference, holm, interval
from fsa_ray.evaluation.item import Item
from fsa_ray.evaluation.scorecard import outcomes, score, scorecard, summarise
from fsa_ray.evaluation.task import Floats
from fsa_ray.evaluation.tasks import load_task

SST2 = load_task("sst2")


def share(sums: Floats) -> Floats:
    return sums[..., 0] / sums[..., 1]


def coin(right: int, n: int) -> Floats:
    hits = np.arange(n) < right
    return np.stack([hits, np.ones(n)], axis=-1)[:, None, :].astype(np.float64)


def test_the_interval_of_a_share_is_the_binomial_one() -> None:
    low, high = interval(coin(700, 1000), share, resamples=20_000, seed=1)
    expected = binom.ppf([0.025, 0.975], 1000, 0.7) / 1000
    assert (low, high) == pytest.approx(tuple(expected), abs=0.002)


def test_two_thousand_resamples_of_three_thousand_items_take_less_than_a_second_of_work() -> None:
    rng = np.random.default_rng(0)
    stats = np.stack([rng.random(3000), np.ones(3000)], axis=-1)[:, None, :]
    start = time.process_time()
    interval(stats, share, resamples=2000, seed=1)
    assert time.process_time() - start < 1


def test_a_clear_difference_is_significant_and_none_is_not() -> None:
    clear = difference(coin(700, 1000), coin(600, 1000), share, resamples=2000, seed=1)
    assert clear.value == pytest.approx(0.1)
    assert clear.low > 0
    assert clear.p_permutation < 0.001 and clear.p_bootstrap <= 0.001
    same = difference(coin(700, 1000), coin(700, 1000), share, resamples=500, seed=1)
    assert (same.value, same.p_permutation, same.p_bootstrap) == (0, 1, 1)


def test_the_permutation_p_value_is_the_sign_test_when_only_signs_differ() -> None:
    first, second = coin(108, 200), coin(100, 200)  # eight items differ, all for the first
    p = difference(first, second, share, resamples=20_000, seed=3).p_permutation
    assert p == pytest.approx(2 * 0.5**8, abs=0.003)


def test_holm() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def items_and_answers(wrong: int) -> tuple[list[Item], dict[str, str]]:
    gold = ["positive", "negative"] * 50
    items = [Item(str(n), n, "text", label) for n, label in enumerate(gold)]
    flipped = {"positive": "negative", "negative": "positive"}
    return items, {item.id: flipped[str(item.gold)] if n < wrong else str(item.gold) for n, item in enumerate(items)}


def test_seeds_give_mean_and_deviation() -> None:
    items, good = items_and_answers(10)
    _, bad = items_and_answers(30)
    judged = outcomes(SST2, items, good, seed=1) + outcomes(SST2, items, bad, seed=2)
    both = summarise(SST2, judged)
    assert both.seeds == pytest.approx({1: 90, 2: 70})
    assert both.score == pytest.approx(80)
    assert both.std == pytest.approx(200**0.5)
    assert both.n == 100
    with pytest.raises(ValueError, match="exactly one outcome"):
        summarise(SST2, judged[:-1])


def test_compare_pairs_items_and_corrects_for_the_tasks() -> None:
    items, good = items_and_answers(4)
    _, bad = items_and_answers(24)
    first, second = outcomes(SST2, items, good), outcomes(SST2, items, bad)
    rows = compare({"sst2": (SST2, first, list(reversed(second))), "again": (SST2, first, first)})
    assert rows[0].difference == pytest.approx(20)
    assert rows[0].p_holm == pytest.approx(2 * rows[0].p)
    assert rows[1].p_holm == 1
    with pytest.raises(ValueError, match="same items"):
        compare({"sst2": (SST2, first, second[1:])})


def test_the_card_is_an_unweighted_mean() -> None:
    items, good = items_and_answers(10)
    _, bad = items_and_answers(30)
    card = scorecard([score(SST2, items, good), score(SST2, items, bad)])
    assert card.mean == pytest.approx(80)
    assert {
        "task",
        "protocol",
        "metric",
        "score",
        "low",
        "high",
        "n",
        "accuracy",
        "invalid",
        "missing",
        "seeds",
    } <= set(card.scores[0].model_dump())

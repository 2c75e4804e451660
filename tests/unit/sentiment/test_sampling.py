from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from fsa_ray.sentiment.hashes import hash_strings
from fsa_ray.sentiment.sampling import keep_curve, sample

RATES = [0.01, 0.1, 0.2, 0.5, 0.9]
PEAKS = [0.0, 0.3, 0.5, 1.0]


def ids(n: int, seed: int = 0) -> npt.NDArray[np.uint64]:
    return hash_strings(pa.array([f"{i:032x}" for i in range(n)], pa.string()), seed)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("peak", PEAKS)
def test_the_curve_integrates_to_the_rate(rate: float, peak: float) -> None:
    def curve(x: float) -> float:
        return float(keep_curve(np.array([x]), rate, peak)[0])

    assert quad(curve, 0, peak)[0] + quad(curve, peak, 1)[0] == pytest.approx(rate, rel=1e-4)
    if 0 < peak < 1:
        assert curve(peak) == pytest.approx(1)


@pytest.mark.parametrize(("rate", "b"), [(0.5, 1.0), (0.2, 4.0), (0.1, 9.0), (0.01, 99.0)])
@pytest.mark.parametrize("peak", PEAKS)
def test_the_curve_is_the_papers_with_its_exponent_in_closed_form(rate: float, b: float, peak: float) -> None:
    x = np.linspace(0.005, 0.995, 100)
    left = x / peak if peak else np.ones_like(x)
    right = (1 - x) / (1 - peak) if peak < 1 else np.ones_like(x)
    np.testing.assert_allclose(keep_curve(x, rate, peak), np.where(x < peak, left, right) ** b, rtol=1e-9)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("peak", PEAKS)
@pytest.mark.parametrize("method", ["soft", "hard", "random"])
def test_groups_of_every_size_expect_their_share(rate: float, peak: float, method: str) -> None:
    sizes = np.arange(1, 201)
    groups = np.repeat(sizes.astype(np.int32), sizes)
    difficulty = np.random.default_rng(0).normal(size=sizes.sum())
    drawn = sample(difficulty, ids(len(groups), 1), groups, rate=rate, seed=1, peak=peak, method=method)  # type: ignore[arg-type]
    expected = np.bincount(np.repeat(sizes, sizes), drawn.probability)[1:]
    np.testing.assert_allclose(expected, rate * sizes, rtol=1e-9)
    assert drawn.probability.min() >= 0 and drawn.probability.max() <= 1
    assert drawn.keep.sum() == pytest.approx(rate * sizes.sum(), abs=5 * np.sqrt(rate * sizes.sum()))


@pytest.mark.parametrize(("rate", "decile", "quarter"), [(0.1, 0.65, 0.94), (0.5, 0.19, 0.44)])
def test_hard_examples_prevail_as_in_the_paper(rate: float, decile: float, quarter: float) -> None:
    n = 100_000
    drawn = sample(np.arange(n), ids(n), rate=rate, seed=0)
    kept = drawn.quantile[drawn.keep]
    assert (kept > 0.9).mean() == pytest.approx(decile, abs=0.015)
    assert (kept > 0.75).mean() == pytest.approx(quarter, abs=0.015)


@pytest.mark.parametrize("rate", RATES)
def test_groups_are_sampled_apart_or_not_at_all(rate: float) -> None:
    """Per prompt, each group has its share even where another is harder throughout; in full, the harder prevails."""
    n = 2000
    difficulty = np.concatenate([np.linspace(0, 1, n), np.linspace(1, 2, n)])
    groups = np.repeat(np.array([0, 1], np.int32), n)
    for method in ("soft", "hard", "random"):
        for exact in (False, True):
            wanted = {"rate": rate, "seed": 4, "method": method, "exact": exact}
            apart = sample(difficulty, ids(2 * n), groups, **wanted)  # type: ignore[arg-type]
            full = sample(difficulty, ids(2 * n), **wanted)  # type: ignore[arg-type]
            np.testing.assert_allclose(apart.probability.reshape(2, n).sum(1), rate * n, rtol=1e-9)
            assert full.probability.sum() == pytest.approx(rate * 2 * n, rel=1e-9)
            easy, hard = full.probability.reshape(2, n).sum(1)
            assert easy == pytest.approx(hard) if method == "random" else easy < hard
            if exact:
                assert apart.keep.reshape(2, n).sum(1).tolist() == [round(rate * n)] * 2
                assert full.keep.sum() == round(rate * 2 * n)


def test_hard_keeps_the_hardest() -> None:
    drawn = sample([5.0, 1.0, 4.0, 2.0], ids(4), rate=0.5, seed=0, method="hard")
    assert drawn.keep.tolist() == [True, False, True, False]
    assert drawn.quantile.tolist() == [0.875, 0.125, 0.625, 0.375]


@settings(max_examples=40)
@given(st.integers(0, 300), st.sampled_from(RATES), st.floats(0, 1), st.integers(0, 2**32), st.data())
def test_the_order_of_rows_does_not_matter(n: int, rate: float, peak: float, seed: int, data: st.DataObject) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    difficulty, groups = (
        rng.integers(0, 5, n).astype(float),
        rng.integers(0, 4, n).astype(np.int32),
    )
    order = rng.permutation(n)
    for method in ("soft", "hard", "random"):
        for exact in (False, True):
            wanted = {"rate": rate, "seed": seed, "peak": peak, "method": method, "exact": exact}
            one = sample(difficulty, ids(n), groups, **wanted)  # type: ignore[arg-type]
            other = sample(difficulty[order], ids(n)[order], groups[order], **wanted)  # type: ignore[arg-type]
            np.testing.assert_array_equal(one.keep[order], other.keep)
            np.testing.assert_array_equal(one.probability[order], other.probability)
            if exact:
                assert one.keep.sum() == round(rate * n)


def test_exact_size_leaves_every_group_within_one_of_its_share() -> None:
    groups = np.repeat(np.arange(300), np.arange(300) % 7 + 1)
    n = len(groups)
    drawn = sample(np.arange(n) % 13, ids(n), groups.astype(np.int32), rate=0.2, seed=3, exact=True)
    assert drawn.keep.sum() == round(0.2 * n)
    share = 0.2 * np.bincount(groups)
    assert (np.abs(np.bincount(groups[drawn.keep], minlength=300) - share) < 1 + 1e-9).all()


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("rate", [0.1, 0.2, 0.5])
def test_a_random_draw_knows_nothing_of_difficulty(rate: float, exact: bool) -> None:
    n = 4000
    one, other = np.arange(n), np.random.default_rng(1).permutation(n)
    drawn = [sample(d, ids(n, 5), rate=rate, seed=5, method="random", exact=exact).keep for d in (one, other)]
    np.testing.assert_array_equal(*drawn)


@pytest.mark.parametrize("method", ["soft", "random"])
@pytest.mark.parametrize("rate", [0.1, 0.2, 0.5])
def test_draws_of_exact_size_vary_as_much_as_free_ones(method: str, rate: float) -> None:
    """Of two seeds the share that both keep, and the spread of the mean difficulty over seeds."""
    n, seeds = 3000, range(60)
    difficulty = np.random.default_rng(0).uniform(size=n)
    overlap, spread = {}, {}
    for exact in (False, True):
        draws = [sample(difficulty, ids(n, s), rate=rate, seed=s, method=method, exact=exact) for s in seeds]  # type: ignore[arg-type]
        kept = np.array([draw.keep for draw in draws])
        assert len(np.unique(kept, axis=0)) == len(seeds)
        both = [(a & b).sum() for a, b in pairwise(kept)]
        overlap[exact] = np.mean(both) / (rate * n)
        spread[exact] = np.std([difficulty[k].mean() for k in kept])
    by_chance = (draws[0].probability ** 2).sum() / (rate * n)
    assert overlap[True] == pytest.approx(by_chance, abs=0.03) and overlap[False] == pytest.approx(by_chance, abs=0.03)
    assert 0.6 < spread[True] / spread[False] < 1.6


@pytest.mark.parametrize(("groups", "size", "rate"), [(600, 1, 0.1), (300, 3, 0.1), (40, 30, 0.2)])
def test_small_groups_are_drawn_anew_by_every_seed(groups: int, size: int, rate: float) -> None:
    n = groups * size
    codes = np.repeat(np.arange(groups, dtype=np.int32), size)
    draws = [
        sample(np.arange(n) % 7, ids(n, s), codes, rate=rate, seed=s, method="random", exact=True).keep
        for s in range(40)
    ]
    both = np.array([(a & b).sum() for a, b in pairwise(draws)]) / (rate * n)
    assert both.mean() == pytest.approx(rate, abs=0.04) and both.max() < 3 * rate + 0.1


def test_seeds_differ_and_chances_are_met() -> None:
    n = 50
    draws = [sample(np.arange(n), ids(n, s), rate=0.2, seed=s, exact=s % 2 == 0) for s in range(2000)]
    mean = np.mean([d.keep for d in draws], axis=0)
    np.testing.assert_allclose(mean, draws[0].probability, atol=0.05)


def test_everything_is_kept_at_rate_one_and_tiny_rates_do_not_underflow() -> None:
    assert sample(np.arange(9), ids(9), rate=1.0, seed=0).keep.all()
    assert sample(np.arange(9), ids(9), rate=1e-6, seed=0, peak=0.2).probability.sum() == pytest.approx(9e-6)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"rate": -0.1}, "rate"), ({"rate": 1.5}, "rate"), ({"peak": 2.0}, "peak"), ({"method": "best"}, "method"),
        ({"difficulty": [1.0, float("nan")]}, "1 difficulties"), ({"hashes": ids(1)}, "1 ids"),
        ({"groups": np.zeros(1, np.int32)}, "1 groups"),
    ],
)  # fmt: skip
def test_mistakes_are_named(changed: dict[str, object], message: str) -> None:
    given: dict[str, object] = {"difficulty": [1.0, 2.0], "hashes": ids(2), "rate": 0.5, "seed": 0}
    with pytest.raises(ValueError, match=message):
        sample(**(given | changed))  # type: ignore[arg-type]

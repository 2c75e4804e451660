"""Means over repetitions."""

import pytest
from scipy import stats

from fsa_ray.evaluation.repetition import repeated
from fsa_ray.evaluation.scorecard import TaskScore


def score(value: float) -> TaskScore:
    return TaskScore(task="sst2", version=1, protocol="strict", metric="macro_f1", score=value, low=value - 3,
                     high=value + 4, n=500, seeds={0: value})  # fmt: skip


def test_several_runs_have_a_t_interval() -> None:
    values = [61.0, 64.5, 63.0]
    found = repeated([score(value) for value in values])
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert found.mean == pytest.approx(62.8333, abs=1e-3)
    assert found.std == pytest.approx(stats.tstd(values))
    assert found.runs == tuple(values)


def test_a_single_run_keeps_its_bootstrap_interval() -> None:
    found = repeated([score(60.0)])
    assert (found.mean, found.std, found.low, found.high, found.n) == (60.0, None, 57.0, 64.0, 500)


def test_equal_runs_have_an_interval_without_width() -> None:
    found = repeated([score(0.0), score(0.0)])
    assert (found.std, found.low, found.high) == (0.0, 0.0, 0.0)

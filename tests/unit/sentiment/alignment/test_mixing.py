import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsa_ray.sentiment.alignment.mixing import mixed


@given(st.integers(0, 500), st.floats(0, 1), st.floats(0, 1), st.integers(0, 2**64))
def test_the_share_is_exact_and_a_larger_one_holds_a_smaller(count: int, one: float, other: float, seed: int) -> None:
    low, high = (mixed(count, share, seed) for share in sorted((one, other)))
    assert low.shape == high.shape == (count,)
    assert abs(int(low.sum()) - count * min(one, other)) <= 0.5
    assert not (low & ~high).any()


def test_records_are_marked_by_seed_and_all_over() -> None:
    marks = mixed(10_000, 0.3, 42)
    assert marks.sum() == 3000
    assert np.flatnonzero(mixed(12, 0.25, 42)).tolist() == [0, 4, 7]  # a golden draw
    assert (marks != mixed(10_000, 0.3, 43)).mean() > 0.3
    assert all(abs(part.mean() - 0.3) < 0.06 for part in np.split(marks, 10))


@pytest.mark.parametrize(("count", "share"), [(-1, 0.5), (1, 1.1), (1, -0.1), (1, float("nan"))])
def test_an_impossible_share_is_refused(count: int, share: float) -> None:
    with pytest.raises(ValueError, match="from 0 to 1"):
        mixed(count, share, 0)

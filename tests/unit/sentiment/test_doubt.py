import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsa_ray.sentiment.doubt import entropy, margin

LOGPROBS = st.lists(st.floats(-50, 0), min_size=2, max_size=6).map(np.array)


def test_known_values() -> None:
    assert entropy(np.log([0.25, 0.25, 0.5])) == pytest.approx(1.5 * np.log(2))
    assert margin(np.log([0.1, 0.6, 0.3])) == pytest.approx(0.7)
    with np.errstate(divide="ignore"):
        certain = np.log([1.0, 0.0])
    assert entropy(certain) == 0 and margin(certain) == 0


@given(LOGPROBS, st.floats(-5, 5))
def test_only_the_shares_matter_and_bounds_hold(logprobs: np.ndarray, shift: float) -> None:
    assert 0 <= entropy(logprobs) <= np.log(len(logprobs)) + 1e-9
    assert -1e-9 <= margin(logprobs) <= 1
    assert entropy(logprobs + shift) == pytest.approx(entropy(logprobs), abs=1e-9)
    assert margin(logprobs + shift) == pytest.approx(margin(logprobs), abs=1e-9)

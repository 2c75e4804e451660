import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsa_ray.sentiment.hashes import hash_strings, lowest, uniforms

strings = st.lists(st.text(st.characters(codec="utf-8"), max_size=40), max_size=20)


@given(strings, st.integers(0, 2**70))
def test_a_hash_depends_on_the_string_and_the_seed_alone(texts: list[str], seed: int) -> None:
    together = hash_strings(pa.array(texts, pa.string()), seed)
    alone = [hash_strings(pa.array([text]), seed)[0] for text in texts]
    sliced = hash_strings(pa.array(["x", *texts], pa.large_string()).slice(1), seed)
    assert together.tolist() == alone == sliced.tolist()
    assert len(set(alone)) == len(set(texts))


def test_hashes_are_uniform_and_seeds_independent() -> None:
    ids = pa.array([f"{i:032x}" for i in range(20_000)])
    first, second = uniforms(hash_strings(ids, 0)), uniforms(hash_strings(ids, 1))
    assert first.min() >= 0 and first.max() < 1
    counts = np.histogram(first, 100, (0, 1))[0]
    assert ((counts - 200) ** 2 / 200).sum() < 160  # chi-squared, 99 degrees of freedom, far tail
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.03


def test_nulls_are_refused() -> None:
    with pytest.raises(ValueError, match="null"):
        hash_strings(pa.array(["a", None]))


@given(st.lists(st.integers(0, 9), max_size=30), st.integers(0, 40))
def test_the_lowest_are_as_many_as_wanted_and_none_is_above_one_left_out(values: list[int], count: int) -> None:
    hashes = np.array(values, np.uint64)
    drawn = lowest(hashes, count)
    assert drawn.sum() == min(count, len(values))
    assert not len(hashes[drawn]) or (hashes[~drawn] >= hashes[drawn].max()).all()

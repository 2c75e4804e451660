import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsa_ray.sentiment.row_ids import row_ids


def test_ids_come_from_the_text_and_its_occurrence() -> None:
    ids = row_ids(pa.chunked_array([["a", "b", "a"], ["", "a"]])).to_pylist()
    assert ids[0] == row_ids(pa.array(["a"]))[0].as_py() == "27c35e6e9373877f29e562464e46497e"
    assert len(set(ids)) == 5 and all(len(i) == 32 for i in ids)


@given(st.lists(st.sampled_from(["a", "b", "é", "", "\0"]), max_size=30), st.randoms())
def test_ids_are_distinct_and_the_same_set_in_any_order(texts: list[str], random: object) -> None:
    ids = row_ids(pa.array(texts, pa.string())).to_pylist()
    random.shuffle(texts)  # type: ignore[attr-defined]
    assert len(set(ids)) == len(ids)
    assert sorted(ids) == sorted(row_ids(pa.array(texts, pa.string())).to_pylist())


def test_a_million_rows_have_distinct_ids_within_seconds() -> None:
    texts = pa.array([f"review {i % 600_000}" for i in range(1_000_000)])
    assert len(row_ids(texts).unique()) == 1_000_000


def test_null_texts_are_refused() -> None:
    with pytest.raises(ValueError, match="1 rows"):
        row_ids(pa.array(["a", None]))

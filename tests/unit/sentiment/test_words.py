from itertools import pairwise

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from fsa_ray.sentiment.words import hashed_words, runs

texts = st.lists(st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=8).map(" ".join), max_size=8)


def rows(words: object) -> list[tuple[int, ...]]:
    hashes, offsets = words  # type: ignore[misc]
    return [tuple(hashes[a:b].tolist()) for a, b in pairwise(offsets)]


def test_words_are_compared_without_case_signs_and_width() -> None:
    same = rows(hashed_words(pa.array(["It's GREAT — really", "it s great really!!", "Ｉt's\ngreat; ﹡really"])))
    assert same[0] == same[1] == same[2] and len(same[0]) == 4
    assert [len(row) for row in rows(hashed_words(pa.array(["很好吃", "!?", "", None, "x" * 1_000_000])))] == [
        3,
        0,
        0,
        0,
        1,
    ]


@given(texts, st.integers(1, 9))
def test_runs_are_equal_where_their_words_are(given: list[str], n: int) -> None:
    seen: dict[int, tuple[str, ...]] = {}
    for text, found in zip(given, rows(runs(hashed_words(pa.array(given, pa.string())), n)), strict=True):
        words = text.split()
        expected = [tuple(words[i : i + n]) for i in range(max(1, len(words) - n + 1))] if words else []
        assert len(found) == len(expected)
        for run, said in zip(found, expected, strict=True):
            assert seen.setdefault(run, said) == said
    assert len(set(seen.values())) == len(seen)

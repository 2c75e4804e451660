import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsa_ray.sentiment.contamination import EvaluationRuns

LONG = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen"
TEST = pa.array(["", LONG, "The staff should be a bit more friendly", "Great food!", "Yum", None])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("I say: TWO, three four five six seven eight nine ten eleven twelve thirteen - fourteen!", 1),
        ("one two three four five six seven eight nine ten eleven twelve", -1),
        ("We came early. The staff should be a bit more friendly, I think.", 2),
        ("The staff should be a bit more helpful", -1),
        ("GREAT food", 3),
        ("Great food and drinks", -1),
        ("yum!!!", 4),
        ("yum yum", -1),
        ("", -1),
        ("🙂", -1),
    ],
)
def test_overlaps(text: str, found: int) -> None:
    assert EvaluationRuns(TEST).first_overlap(pa.array([text])).tolist() == [found]


words = st.lists(st.sampled_from("abc"), max_size=9)


@given(st.lists(words, max_size=5), st.lists(words, max_size=5), st.integers(1, 3), st.integers(0, 3))
def test_it_agrees_with_a_slow_search(corpus: list[list[str]], tests: list[list[str]], least: int, more: int) -> None:
    run = least + more

    def within(part: list[str], whole: list[str]) -> bool:
        return any(whole[i : i + len(part)] == part for i in range(len(whole) - len(part) + 1))

    def overlap(text: list[str], test: list[str]) -> bool:
        if len(test) >= run:
            return any(within(test[i : i + run], text) for i in range(len(test) - run + 1))
        return bool(test) and (within(test, text) if len(test) >= least else test == text)

    slow = [next((i for i, test in enumerate(tests) if overlap(text, test)), -1) for text in corpus]
    index = EvaluationRuns(pa.array([" ".join(t) for t in tests], pa.string()), run=run, least=least)
    assert index.first_overlap(pa.array([" ".join(t) for t in corpus], pa.string())).tolist() == slow


def test_lengths_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="least 0"):
        EvaluationRuns(TEST, least=0)

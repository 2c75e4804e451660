"""Labels as a tree of tokens."""

import math
import random

from hypothesis import given
from hypothesis import strategies as st

from fsa_ray.evaluation.label_words import LabelTree

WORDS = st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=4).map(tuple), min_size=1, max_size=6, unique=True)


def test_words_of_one_token_need_one_question() -> None:
    tree = LabelTree(((5,), (7,), (6,)))
    assert tree.questions == {(): [5, 7, 6]}
    assert tree.logprobs({(): [-1.0, -2.0, -3.0]}) == [-1.0, -2.0, -3.0]


def test_a_shared_start_is_asked_once() -> None:
    tree = LabelTree(((1, 2), (1, 3), (4,)))
    assert tree.questions == {(): [1, 4], (1,): [2, 3]}
    assert tree.logprobs({(): [-1.0, -9.0], (1,): [-0.5, -0.25]}) == [-1.5, -1.25, -9.0]


@given(WORDS, st.integers(0, 100))
def test_it_is_the_likelihood_of_the_whole_word(words: list[tuple[int, ...]], seed: int) -> None:
    def probability(prefix: tuple[int, ...], token: int) -> float:
        draws = random.Random(f"{seed}{prefix}").sample(range(1, 100), 4)
        return draws[token] / sum(draws)

    tree = LabelTree(tuple(words))
    answers = {
        prefix: [math.log(probability(prefix, token)) for token in tokens] for prefix, tokens in tree.questions.items()
    }
    expected = [sum(math.log(probability(word[:n], token)) for n, token in enumerate(word)) for word in words]
    assert all(math.isclose(a, b) for a, b in zip(tree.logprobs(answers), expected, strict=True))
    assert len(tree.questions) == len({word[:n] for word in words for n in range(len(word))})

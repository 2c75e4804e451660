"""Metrics against scikit-learn and against definitions by hand."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score

from fsa_ray.evaluation.item import Item
from fsa_ray.evaluation.metrics import precision_recall_f1
from fsa_ray.evaluation.scorecard import score
from fsa_ray.evaluation.tasks import load_task

TWITTER = load_task("twitter")
LABELS = st.sampled_from(TWITTER.labels)


def items_of(gold: list[str]) -> list[Item]:
    return [Item(str(n), n, "text", label) for n, label in enumerate(gold)]


@given(st.lists(st.tuples(LABELS, LABELS), min_size=1, max_size=40))
def test_macro_f1_and_accuracy_equal_scikit_learn(pairs: list[tuple[str, str]]) -> None:
    gold, predicted = zip(*pairs, strict=True)
    answers = {str(n): label for n, label in enumerate(predicted)}
    result = score(TWITTER, items_of(list(gold)), answers, resamples=10)
    assert np.isclose(result.score, 100 * f1_score(gold, predicted, average="macro"))
    assert np.isclose(result.accuracy or 0.0, 100 * accuracy_score(gold, predicted))


@given(st.lists(st.tuples(LABELS, LABELS | st.just("banana")), min_size=1, max_size=40), st.randoms())
def test_scores_do_not_depend_on_the_order_of_items(pairs: list[tuple[str, str]], random: object) -> None:
    items = items_of([gold for gold, _ in pairs])
    answers = {str(n): label for n, (_, label) in enumerate(pairs)}
    shuffled = list(items)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert score(TWITTER, items, answers, resamples=50) == score(TWITTER, shuffled, answers, resamples=50)


def test_a_string_that_is_no_label_is_wrong_and_no_class_of_its_own() -> None:
    gold = ["negative", "positive", "neutral", "neutral"]
    answers = {"0": "Negative ", "1": "banana", "2": "neutral", "3": None}
    result = score(TWITTER, items_of(gold), answers, resamples=10)
    expected = f1_score(gold, ["negative", "x", "neutral", "x"], average="macro", labels=TWITTER.labels)
    assert result.score == 100 * expected
    assert (result.invalid, result.missing, result.accuracy) == (2, 0, 50)


def test_no_predictions_have_precision_one_and_f1_zero() -> None:
    precision, recall, f1 = precision_recall_f1(np.array([0.0, 0.0, 0.0, 5.0]))
    assert (precision, recall, f1) == (1, 0, 0)

"""Known numbers over the real test sets: constant answers, text round trips, counts, leakage."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from fsa_ray.evaluation.item import Item
from fsa_ray.evaluation.sanity import sanity
from fsa_ray.evaluation.scorecard import score
from fsa_ray.evaluation.tasks import TASKS, load_task
from tests.unit.evaluation.splits import require_split

QUICK = {"resamples": 20}


def as_text(item: Item) -> list[dict[str, Any]]:
    """Gold as a model would write it: without offsets."""
    return [{k: v for k, v in entry.items() if "offsets" not in k} for entry in item.gold]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("name", "label", "expected"),
    [
        ("imdb", "positive", 33.33),
        ("yelp2", "positive", 33.38),
        ("sst2", "positive", 33.30),
        ("twitter", "neutral", 21.16),
        ("irony18", "non-irony", 37.63),
        ("tweeteval", "anger", 14.10),
        ("pstance", "against", 34.28),
        ("intimacy", "not intimate", 26.05),
    ],
)
def test_a_constant_label_gives_the_known_macro_f1(sentibench: Path, name: str, label: str, expected: float) -> None:
    require_split(name, sentibench)
    task = load_task(name)
    items = task.load(sentibench)
    for protocol in task.protocols:
        result = score(task, items, {item.id: label for item in items}, protocol, **QUICK)
        assert result.score == pytest.approx(expected, abs=0.005)
        assert result.low <= result.score <= result.high


@pytest.mark.parametrize(
    ("protocol", "precision", "recall", "f1"),
    [("v1", 85.00, 94.34, 89.43), ("v2", 94.04, 94.34, 94.19), ("strict", 100, 100, 100)],
)
@pytest.mark.parametrize("spell_out_nothing", [True, False])
def test_opener_text_round_trip(
    sentibench: Path, protocol: Any, precision: float, recall: float, f1: float, spell_out_nothing: bool
) -> None:
    task = load_task("opener")
    items = task.load(sentibench)
    nothing = dict.fromkeys(task.fields, "NULL")  # type: ignore[attr-defined]
    predictions: dict[str, Any] = {item.id: as_text(item) for item in items}
    if spell_out_nothing:
        predictions = {identity: entries or [nothing] for identity, entries in predictions.items()}
    result = score(task, items, predictions, protocol, **QUICK)
    assert (result.precision, result.recall, result.score) == pytest.approx((precision, recall, f1), abs=0.006)
    assert result.invalid == 0


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_opener_gold_with_offsets_scores_100(sentibench: Path, split: str) -> None:
    task = load_task("opener")
    items = task.load(sentibench, split)
    result = score(task, items, {item.id: item.gold for item in items}, "strict", **QUICK)
    assert result.score == pytest.approx(100)


@pytest.mark.parametrize("name", ["atsa_rest16", "acsa_rest16", "asqp_rest16"])
@pytest.mark.parametrize("protocol", ["v1", "v2", "strict"])
def test_gold_as_text_scores_100(sentibench: Path, name: str, protocol: Any) -> None:
    task = load_task(name)
    for split in ("train", "test"):
        items = task.load(sentibench, split)
        result = score(task, items, {item.id: as_text(item) for item in items}, protocol, **QUICK)
        assert (result.score, result.invalid) == (100, 0)


def gold_count(sentibench: Path, name: str, protocol: Any) -> float:
    task = load_task(name)
    return sum(task.judge(item, [], protocol).stats[3] for item in task.load(sentibench))


@pytest.mark.parametrize(
    ("name", "protocol", "expected"),
    [
        ("acsa_rest16", "v1", 751),
        ("acsa_rest16", "v2", 859),
        ("acsa_rest16", "strict", 751),
        ("atsa_rest16", "v1", 650),
        ("atsa_rest16", "v2", 650),
        ("atsa_rest16", "strict", 623),
        ("asqp_rest16", "strict", 799),
        ("opener", "strict", 865),
    ],
)
def test_gold_counts(sentibench: Path, name: str, protocol: Any, expected: int) -> None:
    assert gold_count(sentibench, name, protocol) == expected


@pytest.mark.parametrize("name", TASKS)
def test_splits_have_the_published_sizes(sentibench: Path, name: str) -> None:
    report = sanity(load_task(name), sentibench)
    assert not [problem for problem in report.problems if "instead of" in problem]
    for split in load_task(name).sizes:
        require_split(name, sentibench, split)


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("imdb", {"negative": 500, "positive": 500}),
        ("yelp2", {"negative": 499, "positive": 501}),
        ("sst2", {"negative": 912, "positive": 909}),
        ("twitter", {"negative": 341, "neutral": 465, "positive": 194}),
        ("irony18", {"non-irony": 473, "irony": 311}),
        ("tweeteval", {"anger": 558, "sadness": 382, "joy": 358, "optimism": 123}),
        ("pstance", {"against": 1125, "favor": 1032}),
        ("intimacy", {"not intimate": 254, "moderately intimate": 114, "highly intimate": 28}),
    ],
)
def test_label_counts(sentibench: Path, name: str, labels: dict[str, int]) -> None:
    require_split(name, sentibench)
    assert sanity(load_task(name), sentibench).splits["test"].labels == labels


@pytest.mark.parametrize(("name", "empty"), [("opener", 92), ("atsa_rest16", 256), ("acsa_rest16", 89)])
def test_sentences_without_an_opinion(sentibench: Path, name: str, empty: int) -> None:
    assert sanity(load_task(name), sentibench).splits["test"].empty == empty


def test_one_imdb_text_is_in_train_and_one_is_there_twice(sentibench: Path) -> None:
    require_split("imdb", sentibench)
    report = sanity(load_task("imdb"), sentibench)
    assert (report.leaks["train/test"], report.splits["test"].repeated) == (1, 1)


def test_targets_of_stances(sentibench: Path) -> None:
    require_split("pstance", sentibench)
    targets = Counter(item.extra["target"].split()[-1].lower() for item in load_task("pstance").load(sentibench))
    assert targets == {"trump": 777, "biden": 745, "sanders": 635}


def test_terms_come_in_order_of_numeric_offset(sentibench: Path) -> None:
    for item in load_task("atsa_rest16").load(sentibench, "train"):
        starts = [entry["aspect_term_offsets"][0][0] for entry in item.gold]  # type: ignore[index]
        assert starts == sorted(starts)


def test_the_score_of_opener_does_not_depend_on_the_order_of_items(sentibench: Path) -> None:
    task = load_task("opener")
    items = task.load(sentibench)
    answers: dict[str, Any] = {item.id: as_text(item)[:1] for item in items}
    assert score(task, items, answers, "v2") == score(task, items[::-1], dict(reversed(answers.items())), "v2")

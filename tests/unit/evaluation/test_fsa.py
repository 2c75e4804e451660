"""The FSA benchmark: views, counts, the text round trip, and P1's way of counting."""

from pathlib import Path

import pytest

from fsa_ray.evaluation.answer_format import write_answer
from fsa_ray.evaluation.answers import parse_answer
from fsa_ray.evaluation.fsa import FSA_TASKS, VIEWS, view
from fsa_ray.evaluation.item import Item
from fsa_ray.evaluation.sanity import sanity
from fsa_ray.evaluation.scorecard import score
from tests.unit.evaluation.splits import require_split


@pytest.mark.parametrize(
    ("name", "sizes", "gold", "empty"),
    [
        ("fsa_atsa_rest14", (1140, 477, 189), 1517, 310),
        ("fsa_atsa_laptop14", (1037, 345, 99), 944, 429),
        ("fsa_acsa_rest16", (1016, 484, 146), 1255, 89),
        ("fsa_acsa_laptop16", (1045, 462, 94), 1183, 235),
    ],
)
def test_views_and_gold(fsa: Path, name: str, sizes: tuple[int, ...], gold: int, empty: int) -> None:
    require_split(name, fsa)
    task = FSA_TASKS[name]
    items = task.load(fsa)
    assert tuple(len(view(items, one)) for one in VIEWS) == sizes
    assert sum(task.judge(item, [], "p1").stats[3] for item in items) == gold
    assert sum(not item.gold for item in items) == empty
    with pytest.raises(ValueError, match="no view 'hard'"):
        view(items, "hard")


@pytest.mark.parametrize("name", FSA_TASKS)
def test_gold_survives_its_own_text(fsa: Path, name: str) -> None:
    task = FSA_TASKS[name]
    for split in task.sizes:
        require_split(name, fsa, split)
        items = task.load(fsa, split)
        answers = {item.id: parse_answer(task, write_answer(task, item, "p1"), "p1") for item in items}
        assert score(task, items, answers, "p1", resamples=10).score == 100


@pytest.mark.parametrize(
    ("name", "leaks"),
    [
        ("fsa_atsa_rest14", 2),  # a sentence of the original test, and a hard one
        ("fsa_atsa_laptop14", None),  # not published
        ("fsa_acsa_rest16", 1),  # a hard one
        ("fsa_acsa_laptop16", 1),  # a sentence of the original test
    ],
)
def test_sizes_and_leakage(fsa: Path, name: str, leaks: int | None) -> None:
    for split in FSA_TASKS[name].sizes:
        require_split(name, fsa, split)
    report = sanity(FSA_TASKS[name], fsa)
    assert all("are in" in problem for problem in report.problems)
    assert 2 <= report.leaks["train/dev"] <= 7
    assert leaks is None or report.leaks["train/test"] == leaks


@pytest.mark.parametrize(("name", "in_train", "in_all"), [("fsa_acsa_rest16", 12, 12), ("fsa_acsa_laptop16", 77, 96)])
def test_numbers_of_categories(fsa: Path, name: str, in_train: int, in_all: int) -> None:
    seen: dict[str, set[str]] = {}
    for split in FSA_TASKS[name].sizes:
        require_split(name, fsa, split)
        items = FSA_TASKS[name].load(fsa, split)
        seen[split] = {entry["aspect_category"] for item in items for entry in item.gold}  # type: ignore[index]
    assert (len(seen["train"]), len(set.union(*seen.values()))) == (in_train, in_all)


def test_illegal_pieces_are_dropped_and_places_told_apart() -> None:
    task = FSA_TASKS["fsa_atsa_rest14"]
    gold = [{"aspect_term": "soup", "aspect_term_offsets": [[n, n + 4]], "sentiment": "conflict"} for n in (0, 5, 5)]
    item = Item("1", 0, "soup soup", gold)
    answer = parse_answer(task, "soup | conflict ; pasta | positive ; soup | grand", "p1")
    assert task.judge(item, answer, "p1") == ((1, 1, 2, 2), True)
    assert task.judge(item, [], "p1").stats == (0, 0, 0, 2)

"""Cells as one pipeline: what is equal is there once, what differs is told apart by what made it differ."""

import itertools

from fsa_ray.core.grid import Cell, distinct, united
from tests.unit.core.toy_stages import Ask, Drop, Numbers


def cells() -> list[Cell]:
    """Two sizes by two questions by two thresholds; where every third is dropped, the size does not matter."""
    found = []
    for size, every, question in itertools.product((5, 6), (2, 3), ("who?", "why? why?")):
        drop = Drop(numbers=Numbers(size=9 if every == 3 else size), every=every)
        stages = {"numbers": drop.numbers, "drop": drop, "ask": Ask(drop=drop, question=question)}
        choices = {"numbers.size": str(size), "every": str(every), "question": question, "fixed": "one"}
        found.append(Cell(choices, stages))
    return found


def test_equal_stages_are_one_and_labels_say_what_tells_the_others_apart() -> None:
    pipeline = united("toy", cells())
    assert list(pipeline.stages) == [
        "numbers-size5-every2",
        "numbers-every3",
        "numbers-size6-every2",
        "drop-size5-every2",
        "drop-every3",
        "drop-size6-every2",
        "ask-size5-every2-who",
        "ask-size5-every2-why-why",
        "ask-every3-who",
        "ask-every3-why-why",
        "ask-size6-every2-who",
        "ask-size6-every2-why-why",
    ]
    assert len({stage.fingerprint for stage in pipeline.stages.values()}) == 12
    assert len(pipeline.order()) == 12


def test_a_stage_that_all_cells_share_keeps_its_label() -> None:
    few = [cell for cell in cells() if cell.choices["every"] == "3"]
    assert list(united("toy", few).stages) == ["numbers", "drop", "ask-who", "ask-why-why"]


def test_a_choice_that_all_cells_with_a_label_share_is_not_told() -> None:
    some = [cell for cell in cells() if cell.choices["numbers.size"] == "5"]
    some += [Cell({**cell.choices, "numbers.size": "6"}, {}) for cell in some]
    assert list(united("toy", some).stages)[:2] == ["numbers-every2", "numbers-every3"]


def test_distinct_cells_keep_the_choices_that_made_them() -> None:
    found = distinct(cells(), "drop")
    assert [cell.choices for cell in found] == [
        {"numbers.size": "5", "every": "2", "fixed": "one"},
        {"every": "3", "fixed": "one"},
        {"numbers.size": "6", "every": "2", "fixed": "one"},
    ]
    assert distinct(cells(), "nobody") == []


def test_names_that_become_equal_are_numbered() -> None:
    drops = {name: Drop(numbers=Numbers(), every=every) for name, every in (("a b", 2), ("a-b", 3))}
    made = [Cell({"axis": name}, {"drop": drop, "numbers": drop.numbers}) for name, drop in drops.items()]
    assert list(united("toy", made).stages) == ["drop-a-b", "drop-a-b-2", "numbers"]

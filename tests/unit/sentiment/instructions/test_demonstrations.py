import json
from collections.abc import Callable
from typing import Any

import pytest

from fsa_ray.sentiment.instructions.demonstrations import likeness, read_demonstrations, shingles
from fsa_ray.sentiment.instructions.output_format import TaskKind
from fsa_ray.sentiment.instructions.task import Demonstration, TaskDefinition

Make = Callable[[TaskKind], TaskDefinition]

REFERENCE = (
    "We came here on a rainy Sunday with my parents and the kids and had to wait forty minutes for a table by the door."
)
SHORT = "The pillows were as hard as bricks."


def read(task: TaskDefinition, *examples: Any, known: tuple[Demonstration, ...] = ()) -> tuple[list[str], list[str]]:
    reading = read_demonstrations(json.dumps({"examples": examples}), task, [REFERENCE, SHORT], known)
    assert (reading.reason is None) == bool(reading.values)
    return [shown.input for shown in reading.values], [part.reason for part in reading.dropped]


def shown(source: str, output: Any = "bad") -> dict[str, Any]:
    return {"input": source, "output": output}


def test_new_demonstrations_are_kept(task: Make) -> None:
    texts = ["Parking was easy and the nurse was kind.", "Not again in this life."]
    assert read(task("closed_classification"), *map(shown, texts)) == (texts, [])


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (f"Honestly: {REFERENCE.upper()}", "copy"),
        ("So " + " ".join(REFERENCE.split()[3:17]) + " and left.", "copy"),
        (f"Well. {SHORT} Never again.", "copy"),
        ("Like the reference text, this one is about a meal.", "mention"),
        ("As in Example 1 the soup was cold, only colder.", "mention"),
        ("Text A: the meal was fine. Text B: it was not.", "pair_of_texts"),
        ("the SOUP was cold, and the waiter shrugged", "repeat"),
        ("The soup was cold and the waiter shrugged. Ok.", "repeat"),
        ("Input: what a day", "frame"),
        ("", "empty"),
        ("x" * 3000, "length"),
    ],
)
def test_demonstrations_that_are_not_new_are_dropped(source: str, reason: str, task: Make) -> None:
    good = "Parking was easy and the nurse was kind."
    assert read(task("closed_classification"), shown(source), shown(good)) == ([good], [reason])
    assert read(task("closed_classification"), shown(source)) == ([], [reason])


def test_known_demonstrations_and_those_of_the_same_reply_are_not_repeated(task: Make) -> None:
    one = "Parking was easy and the nurse was kind."
    assert read(task("closed_classification"), shown(one), shown(one + "!!")) == ([one], ["repeat"])
    known = (Demonstration(input=one, output="good"),)
    assert read(task("closed_classification"), shown(one.upper()), known=known) == ([], ["repeat"])


@pytest.mark.parametrize(
    ("kind", "output"),
    [
        ("closed_classification", "so so"),
        ("scoring", 6),
        ("scoring", "five"),
        ("extraction", ["the doctor"]),
        ("structured", [{"thing": "doctor", "verdict": "good"}]),
        ("structured", [{"thing": "nurse"}]),
    ],
)
def test_demonstrations_that_contradict_their_task_are_dropped(kind: TaskKind, output: Any, task: Make) -> None:
    assert read(task(kind), shown("Parking was easy and the nurse was kind.", output)) == ([], ["contradiction"])


def test_without_references_nothing_is_a_copy(task: Make) -> None:
    reply = json.dumps({"examples": [shown(REFERENCE)]})
    assert len(read_demonstrations(reply, task("closed_classification"), []).values) == 1


def test_likeness_is_jaccard_of_word_triples() -> None:
    one, other = shingles("a b c d e"), shingles("A, b; c d f!")
    assert likeness(one, other) == 2 / 4
    assert likeness(one, one) == 1.0 and likeness(set(), set()) == 0.0
    assert shingles("two words") == {("two", "words")}

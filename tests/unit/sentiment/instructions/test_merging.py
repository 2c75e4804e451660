import pytest

from fsa_ray.sentiment.instructions.merging import merge_near_duplicates
from fsa_ray.sentiment.instructions.task import TaskDefinition

LONG = "Say how strongly the writer of the text feels about what happened, from not at all to very strongly."


def task(name: str, description: str, **changes: object) -> TaskDefinition:
    return TaskDefinition.model_validate(
        {"name": name, "kind": "extraction", "description": description, "examples": []} | changes
    )


def test_the_first_of_alike_tasks_is_kept() -> None:
    tasks = [
        task("Tone words", "Copy the words that carry the tone."),
        task("Strength", LONG, kind="scoring", minimum=1, maximum=5),
        task("tone-WORDS", "Quite another wording."),
        task("Strength of feeling", LONG, kind="scoring", minimum=0, maximum=10),
        task("Strength", LONG),
        task("Reasons", "Copy the reasons."),
    ]
    merged = merge_near_duplicates(tasks)
    assert merged.kept == (0, 1, 4, 5)
    assert merged.into == {2: 0, 3: 1}
    assert merge_near_duplicates(tasks[::-1]).into == {4: 2, 5: 3}


def test_label_sets_may_have_to_be_equal() -> None:
    pair = [
        task("Tone", LONG, kind="closed_classification", labels=["warm", "cold"]),
        task("Tone", LONG, kind="closed_classification", labels=["Cold", "Warm"]),
        task("Tone", LONG, kind="closed_classification", labels=["kind", "rude"]),
    ]
    assert merge_near_duplicates(pair).into == {1: 0, 2: 0}
    assert merge_near_duplicates(pair, same_labels=True).into == {1: 0}


def test_no_chain_of_ever_less_alike_tasks_is_merged() -> None:
    words = [f"word{n}" for n in range(14)]
    tasks = [task(f"name {n}", " ".join(words[n : n + 10])) for n in (0, 2, 4)]
    merged = merge_near_duplicates(tasks, threshold=0.4)
    assert merged.kept == (0, 2) and merged.into == {1: 0}


def test_the_threshold_is_a_similarity() -> None:
    assert merge_near_duplicates([]).kept == ()
    with pytest.raises(ValueError, match="threshold"):
        merge_near_duplicates([], threshold=0)

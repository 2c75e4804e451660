import json
from collections.abc import Callable
from typing import Any

import pytest

from fsa_ray.sentiment.instructions.output_format import TaskKind
from fsa_ray.sentiment.instructions.task import TaskDefinition
from fsa_ray.sentiment.instructions.validation import Proposal

TEXTS = (
    "The soup was cold and the waiter shrugged.",
    "Lovely room, quiet street, we slept like stones.",
    "This laptop gets hot after an hour.",
    "Ten minutes in I was laughing out loud.",
    "My ticket arrived the day after the concert.",
    "The app does what it says.",
    "Five stars for the breakfast alone!",
    "I will not buy these shoes again.",
)
VALUES: dict[TaskKind, list[Any]] = {
    "closed_classification": ["bad", "good", "bad", "good", "bad", "good", "good", "bad"],
    "open_classification": ["annoyance", "calm", "worry", "joy", "anger", "content", "delight", "regret"],
    "scoring": [1, 5, 2, 5, 1, 3, 5, 1],
    "extraction": [
        ["cold", "shrugged"], ["Lovely room"], ["gets hot"], [], [], [], ["breakfast"], ["will not buy"],
    ],
    "structured": [
        [{"thing": "soup", "verdict": "bad"}, {"thing": "waiter", "verdict": "bad"}],
        [{"thing": "room", "verdict": "good"}],
        [{"thing": "laptop", "verdict": "bad"}],
        [],
        [{"thing": "ticket", "verdict": "bad"}],
        [{"thing": "app", "verdict": "good"}],
        [{"thing": "breakfast", "verdict": "good"}],
        [{"thing": "shoes", "verdict": "bad"}],
    ],
}  # fmt: skip
OWN: dict[TaskKind, dict[str, Any]] = {
    "closed_classification": {"labels": ["good", "bad"]},
    "open_classification": {},
    "scoring": {"minimum": 1, "maximum": 5, "decimals": False},
    "extraction": {},
    "structured": {
        "many": True,
        "fields": [
            {"name": "thing", "type": "span", "labels": None},
            {"name": "verdict", "type": "string", "labels": ["good", "bad"]},
        ],
    },
}


def definition(of: TaskKind, **changes: Any) -> dict[str, Any]:
    """A reply's definition, as the schema has it for tasks that are not structured."""
    examples = [{"input": text, "output": value} for text, value in zip(TEXTS, VALUES[of], strict=True)]
    return {
        "name": "Verdict of the writer",
        "kind": of,
        "description": "Say what the writer thinks.",
        **OWN[of],
        "examples": examples,
    } | changes


Reply = Callable[..., str]


@pytest.fixture
def reply() -> Reply:
    return lambda of, **changes: json.dumps(definition(of, **changes))


@pytest.fixture
def task() -> Callable[[TaskKind], TaskDefinition]:
    return lambda kind: TaskDefinition.model_validate(definition(kind))


@pytest.fixture
def proposal() -> Callable[[TaskKind], Proposal]:
    return lambda kind: Proposal("verdict", kind, "What the writer thinks.")

"""The rendered prompts of all tasks, kept in a file: a change of wording shows, and needs a new task version.

FSA_RAY_WRITE_GOLDEN=1 writes the file anew.
"""

import os
from pathlib import Path
from typing import Any

from fsa_ray.evaluation.classification import ClassificationTask
from fsa_ray.evaluation.item import Item
from fsa_ray.evaluation.prompts import render
from fsa_ray.evaluation.tasks import TASKS

GOLDEN = Path(__file__).parents[2] / "golden" / "sentibench_prompts.txt"
TEXT = "The soup was good , the other soup cold ."
ENTRY = {
    "aspect_term": "soup",
    "aspect_term_offsets": [[30, 34]],
    "aspect_category": "food quality",
    "opinion": "cold",
    "sentiment": "negative",
    "holder": None,
    "target": "soup",
    "target_offsets": [[30, 34]],
    "sentiment_expression": "cold",
    "sentiment_expression_offsets": [[35, 39]],
    "sentiment_polarity": "negative",
}


def test_rendered_prompts_are_the_golden_ones() -> None:
    shown = []
    for task in TASKS.values():
        gold: Any = task.labels[0] if isinstance(task, ClassificationTask) else [ENTRY]
        extra = {"target": "Somebody"} if task.extra_fields else {}
        demo, query = Item("d", 0, TEXT, gold, extra), Item("q", 1, "A query .", gold, extra)
        for protocol in task.protocols:
            text = render(task, query, [demo], protocol)
            shown.append(f"##### {task.name} {protocol} version {task.version}\n{text}\n")
    rendered = "\n".join(shown)
    if os.environ.get("FSA_RAY_WRITE_GOLDEN"):
        GOLDEN.write_text(rendered, encoding="utf-8")
    assert rendered == GOLDEN.read_text(encoding="utf-8")

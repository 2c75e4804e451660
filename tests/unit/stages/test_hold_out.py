"""Examples held out of a training."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from fsa_ray.sentiment.hashes import hash_strings, lowest
from fsa_ray.stages.hold_out import HeldOut, Remaining
from tests.unit.stages.conftest import Workshop

EXAMPLES: list[dict[str, Any]] = [
    {"id": f"{kind}-{number}", "parent": "p", "review_id": f"{number:032x}", "kind": kind, "prompt": "?", "answer": "!"}
    for number in range(2000)
    for kind in ("analysis", "emotion")
]
DRAWN: dict[str, Any] = {"share": 0.1, "seed": 3}


def test_a_review_is_on_one_side_with_all_its_examples_in_every_table(workshop: Workshop) -> None:
    table = workshop.given("example", EXAMPLES)
    one_kind = workshop.given("example", [row for row in EXAMPLES if row["kind"] == "emotion"])
    held = workshop.kept(HeldOut(examples=table, **DRAWN))
    learned = workshop.kept(Remaining(examples=table, **DRAWN))
    assert {row["id"] for row in held} | {row["id"] for row in learned} == {row["id"] for row in EXAMPLES}
    reviews = {row["review_id"] for row in held}
    assert not reviews & {row["review_id"] for row in learned}
    assert {row["review_id"] for row in workshop.kept(HeldOut(examples=one_kind, **DRAWN))} == reviews
    assert 150 < len(reviews) < 250 and len(held) == 2 * len(reviews)
    assert reviews != {row["review_id"] for row in workshop.kept(HeldOut(examples=table, share=0.1, seed=4))}


def test_what_is_held_out_is_accounted_for(workshop: Workshop) -> None:
    stage = Remaining(examples=workshop.given("example", EXAMPLES), **DRAWN)
    assert {row["reason"] for row in workshop.rejected(stage)} == {"held_out"}
    assert all(finding.passed for finding in workshop.verify(stage))


def test_what_is_held_out_of_a_limited_corpus_is_a_share_of_it(workshop: Workshop) -> None:
    """The limit draws by the same ids and the same seed."""
    names = np.array([f"{number:032x}" for number in range(4000)])
    limited = names[lowest(hash_strings(pa.array(names), DRAWN["seed"]), 400)]
    rows = [{**EXAMPLES[0], "id": f"of {name}", "review_id": name} for name in limited.tolist()]
    assert 20 < len(workshop.kept(HeldOut(examples=workshop.given("example", rows), **DRAWN))) < 60


def test_a_task_without_a_review_is_drawn_by_its_own_id(workshop: Workshop) -> None:
    table = workshop.given("example", [{**row, "review_id": None} for row in EXAMPLES])
    assert 300 < len(workshop.kept(HeldOut(examples=table, **DRAWN))) < 500


def test_too_few_examples_are_an_error_that_says_what_to_change(workshop: Workshop) -> None:
    with pytest.raises(ValueError, match="leave `watch` out"):
        workshop.run(HeldOut(examples=workshop.given("example", EXAMPLES[:2]), share=0.001, seed=3))

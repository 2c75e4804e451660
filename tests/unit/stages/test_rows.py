"""The row-wise stages: what they keep, what they refuse and why, and that everything adds up."""

import errno
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from fsa_ray.cli.exits import _told
from fsa_ray.stages.decontaminate import Decontaminate
from fsa_ray.stages.deduplicate import Deduplicate
from fsa_ray.stages.doubt import Doubt
from fsa_ray.stages.gold import GoldExamples
from fsa_ray.stages.ingest import Ingest
from fsa_ray.stages.invent import Invent
from fsa_ray.stages.sample import Sample
from fsa_ray.stages.select import Select


def adds_up(workshop: Any, stage: Any) -> bool:
    return all(finding.passed for finding in workshop.verify(stage))


def test_ingest_gives_every_line_a_fate(workshop: Any, tmp_path: Path) -> None:
    lines = ['{"id": "a", "text": "The soup was cold."}', "{broken", '{"id": "c", "text": "x"}', '{"id": "d"}']
    lines += ['{"id": "e", "text": "The soup was cold."}', '{"id": "f", "text": "Write to a@b.org, fine soup"}']
    (tmp_path / "reviews.jsonl").write_text("\n".join(lines))
    stage = Ingest.at(str(tmp_path / "reviews.jsonl"), min_chars=5, mask=True)
    kept = workshop.kept(stage)
    assert [row["source_id"] for row in kept] == ["a", "e", "f"]
    assert len({row["id"] for row in kept}) == 3, "equal texts have ids of their own"
    assert kept[2]["text"] == "Write to [email], fine soup"
    assert sorted(row["reason"] for row in workshop.rejected(stage)) == ["broken", "missing", "short"]
    assert adds_up(workshop, stage)


def test_the_limit_draws_the_same_reviews_from_shuffled_lines(workshop: Any, tmp_path: Path) -> None:
    lines = [json.dumps({"text": f"review number {number} of the soup"}) for number in range(50)]
    drawn = []
    for name, order in (("one", lines), ("two", lines[::-1])):
        (tmp_path / f"{name}.jsonl").write_text("\n".join(order))
        stage = Ingest.at(str(tmp_path / f"{name}.jsonl"), limit=10, seed=3)
        drawn.append({row["text"] for row in workshop.kept(stage)})
        assert [row["reason"] for row in workshop.rejected(stage)] == ["over_limit"] * 40
        assert adds_up(workshop, stage)
    assert drawn[0] == drawn[1] and len(drawn[0]) == 10


def test_ingest_is_the_same_stage_wherever_its_file_lies(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "reviews.txt").write_text("One good soup.\n")
    first, second = (Ingest.at(str(tmp_path / folder / "reviews.txt")) for folder in ("a", "b"))
    assert first.path != second.path and first.fingerprint == second.fingerprint


def test_duplicates_go_and_name_the_one_that_stays(workshop: Any, review: Any) -> None:
    long = "the soup was cold and the bread was hard and nobody came to ask whether we wanted anything else at all"
    rows = [review(1, long), review(2, long.upper()), review(3, long + " today"), review(4, "quite another thing")]
    stage = Deduplicate(reviews=workshop.given("review", rows))
    assert [row["source_id"] for row in workshop.kept(stage)] == ["1", "4"]
    rejects = {row["reason"]: row["detail"] for row in workshop.rejected(stage)}
    assert rejects == {
        "duplicate": f"says the same as {rows[0]['id']}",
        "near_duplicate": f"says the same as {rows[0]['id']}",
    }
    assert adds_up(workshop, stage)
    exact = Deduplicate(reviews=stage.reviews, near=False)
    assert [row["source_id"] for row in workshop.kept(exact)] == ["1", "3", "4"]


def test_a_disk_without_room_for_signatures_is_named(
    workshop: Any, review: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    stage = Deduplicate(reviews=workshop.given("review", [review(1, "good food"), review(2, "bad food")]))
    with pytest.raises(Exception) as raised:
        workshop.kept(stage)
    told = _told(raised.value)[1]
    assert re.search(r"no room for the signatures of 2 reviews.*No space left.*TMPDIR", told), told


def test_reviews_that_hold_a_test_text_go(workshop: Any, review: Any) -> None:
    test = "a small room with a grand view over the harbour and its boats"
    rows = [review(1, f"We had {test} for a week."), review(2, "A small room.")]
    stage = Decontaminate(
        reviews=workshop.given("review", rows), against=(workshop.given("review", [review(9, test)]),), ngram=8
    )
    assert [row["source_id"] for row in workshop.kept(stage)] == ["2"]
    assert [row["detail"] for row in workshop.rejected(stage)] == ["shares text with 9"]
    assert adds_up(workshop, stage)


def test_gold_examples_are_answers_of_a_perfect_teacher(workshop: Any) -> None:
    labelled = Invent(count=30, split="train", seed=1)
    stage = GoldExamples(labelled=labelled, kinds=("analysis", "rewriting"))
    reviews = {row["id"]: row for row in workshop.kept(labelled)}
    rows = workshop.kept(stage)
    assert len(rows) == 60 and adds_up(workshop, stage)
    for row in rows:
        review = reviews[row["parent"]]
        if row["kind"] == "analysis":
            first, *opinions = row["answer"].split("\n")
            assert first == review["polarity"] and len(opinions) == len(review["opinions"])


def scored(number: int, difficulty: float | None, kind: str = "analysis") -> dict[str, Any]:
    error = None if difficulty is not None else "too long"
    return {"id": f"{number:032x}", "group": kind, "difficulty": difficulty, "error": error}


def test_select_keeps_the_rate_of_each_prompt_and_rejects_the_rest(workshop: Any) -> None:
    rows = [scored(n, n / 100) for n in range(100)] + [scored(n, n / 100, "rewriting") for n in range(100, 140)]
    stage = Select(scored=workshop.given("scored", [*rows, scored(200, None)]), rate=0.25, mode="hard", seed=1)
    kept = workshop.kept(stage)
    assert [sum(row["group"] == group for row in kept) for group in ("analysis", "rewriting")] == [25, 10]
    assert min(row["difficulty"] for row in kept if row["group"] == "analysis") == pytest.approx(0.75)
    reasons = [row["reason"] for row in workshop.rejected(stage)]
    assert reasons.count("not_selected") == 105 and reasons.count("unscored") == 1
    assert adds_up(workshop, stage)


def test_of_examples_without_label_words_the_same_share_is_drawn_at_random(workshop: Any) -> None:
    told = [[-0.01 - n / 1000, -5.0, -6.0] for n in range(100)]
    rows = [{"id": f"{n:032x}", "group": "analysis", "label_logprobs": one} for n, one in enumerate(told)]
    rows += [{"id": f"{n:032x}", "group": "rewriting"} for n in range(100, 140)]
    doubt = Doubt(examples=workshop.given("example", rows), metric="margin")
    stage = Select(scored=doubt, rate=0.25, mode="hard", seed=1)
    kept = workshop.kept(stage)
    analyses = sorted(int(row["id"], 16) for row in kept if row["group"] == "analysis")
    others = sorted(int(row["id"], 16) for row in kept if row["group"] == "rewriting")
    assert analyses == list(range(75, 100))
    assert len(others) == 10 and max(others) - min(others) > 10
    assert {row["reason"] for row in workshop.rejected(stage)} == {"not_selected"}
    assert adds_up(workshop, stage)


def test_select_can_take_the_hardest_of_all_prompts(workshop: Any) -> None:
    rows = [scored(n, n / 100) for n in range(100)] + [scored(n, n / 100, "rewriting") for n in range(100, 140)]
    stage = Select(scored=workshop.given("scored", rows), rate=0.25, mode="hard", per_prompt=False)
    kept = workshop.kept(stage)
    assert len(kept) == 35 and {row["group"] for row in kept} == {"rewriting"}
    assert adds_up(workshop, stage)


def test_a_sample_is_small_and_always_the_same(workshop: Any, review: Any) -> None:
    rows = [review(number, f"text {number}") for number in range(20)]
    first = Sample(reviews=workshop.given("review", rows), count=5)
    second = Sample(reviews=workshop.given("review", rows[::-1]), count=5)
    assert workshop.kept(first) == workshop.kept(second)[::-1] and len(workshop.kept(first)) == 5

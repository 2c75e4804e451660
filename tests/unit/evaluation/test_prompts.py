"""Prompts: demonstrations drawn per item, dropped rather than cut, and answers that survive writing and reading."""

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fsa_ray.evaluation.answer_format import answer_schema, write_answer
from fsa_ray.evaluation.answers import parse_answer
from fsa_ray.evaluation.item import Item
from fsa_ray.evaluation.label_words import choose_labels, label_words
from fsa_ray.evaluation.prompts import build_prompt, draw_demos, render
from fsa_ray.evaluation.scorecard import score
from fsa_ray.evaluation.tasks import TASKS, load_task

SST2, PSTANCE, OPENER = load_task("sst2"), load_task("pstance"), load_task("opener")
POOL = [Item(str(n), n, f"demo {n}", "positive" if n % 2 else "negative") for n in range(50)]
QUERY = Item("q", 0, "a fine film", "positive")


def words(text: str) -> int:
    return len(text.split())


def test_demos_depend_on_seed_and_item_only() -> None:
    items = [Item(str(n), n, f"text {n}", "positive") for n in range(30)]
    forward = {item.id: draw_demos(SST2, POOL, item, 4, seed=42) for item in items}
    random.shuffle(items)
    assert forward == {item.id: draw_demos(SST2, POOL, item, 4, seed=42) for item in items}
    assert forward["0"] != draw_demos(SST2, POOL, items[0], 4, seed=52)
    assert len({tuple(demo.id for demo in demos) for demos in forward.values()}) > 20
    assert [demo.id for demo in forward["3"]] == ["47", "37", "29", "23"]  # a golden draw


def test_fewer_demos_are_the_first_of_more_and_never_the_query() -> None:
    eight = draw_demos(SST2, POOL, QUERY, 8, seed=1)
    assert len({demo.id for demo in eight}) == 8
    assert [draw_demos(SST2, POOL, QUERY, k, seed=1) for k in range(9)] == [eight[:k] for k in range(9)]
    same = [Item("s", 0, QUERY.text, "positive"), *POOL[:8]]
    assert QUERY.text not in {demo.text for demo in draw_demos(SST2, same, QUERY, 8, seed=1)}
    with pytest.raises(ValueError, match="cannot draw 8 demonstrations from 5 items"):
        draw_demos(SST2, POOL[:5], QUERY, 8, seed=1)
    with pytest.raises(ValueError, match="0 to 8"):
        draw_demos(SST2, POOL, QUERY, 9, seed=1)


def test_demos_are_dropped_and_the_query_stays_whole() -> None:
    demos = draw_demos(SST2, POOL, QUERY, 4, seed=1)
    whole = build_prompt(SST2, QUERY, demos, "v1", words, 1000)
    assert (whole.shots, whole.dropped, whole.too_long) == (4, 0, False)
    room = words(render(SST2, QUERY, demos[:2], "v1"))
    two = build_prompt(SST2, QUERY, demos, "v1", words, room)
    assert (two.shots, two.dropped, two.too_long) == (2, 2, False)
    bare = build_prompt(SST2, QUERY, demos, "v1", words, 3)
    assert (bare.shots, bare.dropped, bare.too_long) == (0, 4, True)
    assert bare.text.endswith("Sentence: a fine film\nLabel:")


def test_the_shape_of_prompts() -> None:
    demo = Item("d", 0, "a dull film", "negative")
    v1 = render(SST2, QUERY, [demo], "v1")
    assert v1.endswith("\n\nSentence: a dull film\nLabel: negative\n\nSentence: a fine film\nLabel:")
    assert render(SST2, QUERY, [], "v2").endswith("\n\nSentence: a fine film\nOutput:")
    assert render(load_task("fsa_atsa_rest14"), QUERY, [], "p1") == "a fine film"
    with pytest.raises(ValueError, match="not under 'p1'"):
        render(SST2, QUERY, [], "p1")


def test_the_stance_target_is_named_in_the_instruction_and_in_demos() -> None:
    query = Item("q", 0, "yes", "favor", {"target": "A {target} B"})
    demo = Item("d", 0, "no", "against", {"target": "Someone"})
    text = render(PSTANCE, query, [demo], "v1")
    assert "tweet about A {target} B." in text
    assert "Label: against (opinion towards 'Someone')" in text


@pytest.mark.parametrize("name", ["atsa_rest16", "acsa_rest16", "asqp_rest16", "opener"])
@pytest.mark.parametrize("protocol", ["v2", "strict"])
def test_a_perfect_answer_survives_writing_and_reading(sentibench: Path, name: str, protocol: Any) -> None:
    task = load_task(name)
    items = task.load(sentibench)
    answers = {item.id: parse_answer(task, " " + write_answer(task, item, protocol), protocol) for item in items}
    result = score(task, items, answers, protocol, resamples=10)
    assert result.score == pytest.approx(94.19 if (name, protocol) == ("opener", "v2") else 100, abs=0.01)
    assert result.invalid == 0


def test_a_perfect_v1_answer_to_opener_gets_the_known_ceiling(sentibench: Path) -> None:
    items = OPENER.load(sentibench)
    answers = {item.id: parse_answer(OPENER, write_answer(OPENER, item, "v1"), "v1") for item in items}
    assert score(OPENER, items, answers, "v1", resamples=10).score == pytest.approx(89.43, abs=0.01)


@pytest.mark.parametrize("name", ["atsa_rest16", "acsa_rest16", "asqp_rest16"])
def test_a_perfect_v1_answer_survives(sentibench: Path, name: str) -> None:
    task = load_task(name)
    items = task.load(sentibench)
    answers = {item.id: parse_answer(task, write_answer(task, item, "v1") + "\n\nSentence: x", "v1") for item in items}
    assert score(task, items, answers, "v1", resamples=10).score == 100


@pytest.mark.parametrize("name", [name for name in TASKS if name not in ("imdb", "yelp2", "pstance")])
@pytest.mark.parametrize("protocol", ["v1", "v2", "strict"])
def test_prompts_of_all_present_tests(sentibench: Path, name: str, protocol: Any) -> None:
    task = load_task(name)
    pool, items = task.load(sentibench, "train"), task.load(sentibench)[:100]
    for item in items:
        prompt = build_prompt(task, item, draw_demos(task, pool, item, 4, 42), protocol, words, 2000)
        assert item.text in prompt.text and prompt.shots == 4


def test_label_words_and_calibration() -> None:
    assert label_words(SST2) == [" negative", " positive"]
    logprobs = np.log([[0.6, 0.4], [0.9, 0.1]])
    assert choose_labels(SST2, logprobs) == ["negative", "negative"]
    assert choose_labels(SST2, logprobs, prior=np.log([0.7, 0.3])) == ["positive", "negative"]
    with pytest.raises(ValueError, match="no log-probability"):
        choose_labels(SST2, np.array([[-np.inf, np.nan]]))


def test_the_schema_of_an_answer() -> None:
    schema = answer_schema(load_task("acsa_rest16"))
    assert "food quality" in schema["items"]["properties"]["aspect_category"]["enum"]
    assert schema["items"]["required"] == ["aspect_category", "sentiment"]

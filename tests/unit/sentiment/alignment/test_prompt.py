"""Variants, demonstrations and prompts. FSA_RAY_WRITE_GOLDEN=1 writes the golden prompts anew."""

import os
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsa_ray.schemas.opinion import Opinion
from fsa_ray.sentiment.alignment.demonstrations import Pool, draw_demonstrations, pool_of
from fsa_ray.sentiment.alignment.labelled import LabelledReview, Query
from fsa_ray.sentiment.alignment.other_prompt import render_other
from fsa_ray.sentiment.alignment.other_tasks import OtherRecord, Shown
from fsa_ray.sentiment.alignment.prompt import render
from fsa_ray.sentiment.alignment.tasks import TASKS
from fsa_ray.sentiment.alignment.variant import MAX_SHOTS, Variant, draw_variant
from fsa_ray.sentiment.alignment.wording import (
    ANSWER_WORDS,
    INSTRUCTIONS,
    LABEL_SETS,
    LABEL_WORDS,
    MEANINGS,
    TEXT_WORDS,
)
from fsa_ray.sentiment.synthetic.table import generate

GOLDEN = Path(__file__).parents[3] / "golden" / "alignment_prompts.txt"
SHOWN = LabelledReview(
    text="The soup was cold,\nthe bill \"small\".",
    polarity="neutral",
    opinions=(
        Opinion(target="soup", aspect="temperature", polarity="negative", evidence="cold"),
        Opinion(target=None, aspect="price", polarity="positive", evidence='bill "small"'),
    ),
)  # fmt: skip
BARE = LabelledReview(text="We went on Monday.", polarity="neutral", opinions=())
RECORDS = [f"record-{n}" for n in range(400)]


def reviews(count: int) -> list[LabelledReview]:
    return [LabelledReview.model_validate(row) for row in generate(count, 3, "train").to_pylist()]


POOLS: dict[str, Pool] = {task: pool_of(task, reviews(60)) for task in TASKS}


def query(task: str, text: str = "Nice.") -> Query:
    return Query(text, "service" if TASKS[task].slot else None)


def test_rendered_prompts_are_the_golden_ones() -> None:
    shown = []
    for task in TASKS.values():
        demonstrations = [case for review in (SHOWN, BARE) for case in task.cases(review)]
        for n, asked in enumerate(INSTRUCTIONS[task.name]):
            drawn = draw_variant(task.name, f"golden-{n}", 42)
            meaning = MEANINGS[n % len(MEANINGS)].format(*drawn.labels)
            made = drawn.model_copy(
                update={"form": task.forms[n % len(task.forms)], "instruction": f"{asked} {meaning}"}
            )
            turn = render(made, demonstrations, query(task.name))
            shown.append(f"##### {task.name} {made.form}\n{turn}\n\n##### drawn\n{drawn.model_dump_json()}\n")
    rendered = "\n".join(shown)
    if os.environ.get("FSA_RAY_WRITE_GOLDEN"):
        GOLDEN.write_text(rendered, encoding="utf-8")
    assert rendered == GOLDEN.read_text(encoding="utf-8")


def test_a_prompt_is_instruction_cases_and_query() -> None:
    made = Variant(
        task="aspect-polarity", instruction="Judge it.", labels=("1", "-1", "0"), form="word",
        text_word="Text", answer_word="Label", shots=1,
    )  # fmt: skip
    assert render(made, TASKS["aspect-polarity"].cases(SHOWN)[:1], Query("Fine\nfood", "price")) == (
        "Judge it. Answer with the label alone.\n\n"
        'Text: The soup was cold, the bill "small".\nAspect: temperature\nLabel: -1\n\n'
        "Text: Fine food\nAspect: price\nLabel:"
    )
    with pytest.raises(ValueError, match="no aspect"):
        render(made, [], Query("Fine food"))


@pytest.mark.parametrize("task", TASKS)
def test_formats_are_many_and_follow_from_seed_and_record_alone(task: str) -> None:
    drawn = [draw_variant(task, record, 42) for record in RECORDS]
    assert drawn[::-1] == [draw_variant(task, record, 42) for record in RECORDS[::-1]]
    assert drawn != [draw_variant(task, record, 43) for record in RECORDS]
    assert {made.form for made in drawn} == set(TASKS[task].forms)
    assert {made.labels for made in drawn} == set(LABEL_SETS)
    assert {made.text_word for made in drawn} == set(TEXT_WORDS)
    assert {made.answer_word for made in drawn} == set(ANSWER_WORDS if len(TASKS[task].fields) > 1 else LABEL_WORDS)
    assert {made.shots for made in drawn} == set(range(MAX_SHOTS + 1))
    asked = Counter(one for made in drawn for one in INSTRUCTIONS[task] if made.instruction.startswith(one))
    assert len(asked) == len(INSTRUCTIONS[task]) >= 4
    assert sum(asked.values()) == len(drawn)
    assert all(label in made.instruction for made in drawn for label in made.labels)
    assert len({made.model_dump_json() for made in drawn}) > 0.9 * len(drawn)


@given(st.sampled_from(list(TASKS)), st.text(max_size=8), st.integers(0, 2**40))
def test_fewer_demonstrations_are_the_first_of_more(task: str, record: str, seed: int) -> None:
    case = POOLS[task].groups[seed % len(POOLS[task].groups)][0]
    most = draw_demonstrations(POOLS[task], case.query, record, MAX_SHOTS, seed)
    assert len({shown.query.text for shown in most} | {case.query.text}) == MAX_SHOTS + 1
    for k in range(MAX_SHOTS):
        assert draw_demonstrations(POOLS[task], case.query, record, k, seed) == most[:k]


def test_a_query_of_a_small_pool_never_sees_itself() -> None:
    pool = pool_of("polarity", [*reviews(MAX_SHOTS), SHOWN, SHOWN])
    own = Query('The soup was cold,  the bill "small".')
    for record in RECORDS:
        shown = draw_demonstrations(pool, own, record, MAX_SHOTS, 1)
        assert len({case.query.text for case in shown} - {SHOWN.text}) == MAX_SHOTS
    with pytest.raises(ValueError, match="label at least 9 reviews"):
        draw_demonstrations(pool_of("polarity", [SHOWN]), Query(SHOWN.text), "a", 1, 1)
    with pytest.raises(ValueError, match="k must be 0 to 8"):
        draw_demonstrations(pool, Query("x"), "a", 9, 1)


HOSTILE = st.lists(
    st.sampled_from([*(f"{word}:" for word in (*TEXT_WORDS, *LABEL_WORDS, "Aspect")), "good", "x"])
    | st.sampled_from(list("\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029\t\0|-"))
    | st.text(max_size=3),
    max_size=12,
).map("".join)  # fmt: skip


@given(st.sampled_from(list(TASKS)), st.sampled_from(RECORDS), HOSTILE, HOSTILE)
def test_no_review_starts_a_line(task: str, record: str, text: str, slot: str) -> None:
    opinions = tuple(
        Opinion(target=target, aspect=f"a{slot}", polarity="negative", evidence=text or "x")
        for target in (text or "x", None)
    )
    review = LabelledReview(text=text, polarity="positive", opinions=opinions)
    made, cases = draw_variant(task, record, 7), TASKS[task].cases(review)[:1]
    turn = render(made, cases, Query(text, slot if TASKS[task].slot else None))
    lines = turn.splitlines()
    starts = [line.split(":")[0] for line in lines if not line.startswith("- ") and line not in ("", "none")]
    frames = [made.text_word, *(["Aspect"] if TASKS[task].slot else []), made.answer_word]
    expected = frames * (len(cases) + 1)
    assert [start for start in starts[1:] if not start.startswith(("[", "{"))] == expected
    assert lines[-1] == f"{made.answer_word}:"


def test_other_tasks_are_shown_with_their_own_examples_and_line_breaks() -> None:
    record = OtherRecord(1, "sums", "Add.", "1\n2", "3", (Shown("1\n2", "3"), Shown("0\n0", "0"), Shown("2\n2", "4")))
    assert render_other(record, 1) == "Add.\n\nInput: 0\n0\nOutput: 0\n\nInput: 1\n2\nOutput:"
    assert render_other(record, 8).count("Input:") == 3
    assert render_other(record, 0) == "Add.\n\nInput: 1\n2\nOutput:"
    with pytest.raises(ValueError, match="k must be 0 to 8"):
        render_other(record, 9)


def test_no_text_of_another_task_passes_for_a_frame() -> None:
    record = OtherRecord(1, "t", "Do.", "x\u2028   OUTPUT : y\n\t" + " " * 50 + "input 2: z", None, (Shown("a", "b"),))
    assert render_other(record, 1).startswith("Do.\n\nInput 3: a\nOutput 3: b\n\nInput 3: x")
    render_other(OtherRecord(1, "t", "Do.", "\r" * 300_000 + "input" * 100_000), 0)

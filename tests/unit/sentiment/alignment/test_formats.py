"""Answers in every format: written, read back, refused."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsa_ray.schemas.opinion import POLARITIES, Opinion
from fsa_ray.sentiment.alignment.labelled import LabelledReview
from fsa_ray.sentiment.alignment.reading import read
from fsa_ray.sentiment.alignment.tasks import TASKS
from fsa_ray.sentiment.alignment.tuples import read_tuples
from fsa_ray.sentiment.alignment.variant import Variant, draw_variant, label_words
from fsa_ray.sentiment.alignment.wording import LABEL_SETS
from fsa_ray.sentiment.alignment.writing import write
from fsa_ray.sentiment.answers import Dropped
from fsa_ray.sentiment.synthetic.table import generate

REVIEW = "Great Pizza, but “the waiter” was… slow | and rude."
FORMS = [(task.name, form) for task in TASKS.values() for form in task.forms]
# Letters that fold, separate, quote or stand for several.
LETTERS = st.sampled_from(list("aAbİéßﬁ…“'\"\\|-–*()[],:.{}\n\t \0\u2028\u0301¨1中\ud800"))
TEXTS = st.text(LETTERS, max_size=40)
PARTS = st.one_of(TEXTS, st.sampled_from(["none", "-", "NULL", "- x", "None", "```", "[]"]), st.text(max_size=20))


def variant(task: str, form: str, labels: tuple[str, str, str] = ("good", "bad", "mixed"), **changes: Any) -> Variant:
    words = {"instruction": "Say it.", "text_word": "Text", "answer_word": "Answer", "shots": 0} | changes
    return Variant(task=task, form=form, labels=labels, **words)


variants = st.builds(
    lambda pair, labels: variant(pair[0], pair[1], labels), st.sampled_from(FORMS), st.sampled_from(LABEL_SETS)
)


@st.composite
def reviews(draw: st.DrawFn) -> LabelledReview:
    """A review of odd letters whose opinions quote it, most of the time."""
    parts = draw(st.lists(PARTS, min_size=1, max_size=6))
    text = " ".join(parts)
    ends = st.tuples(st.integers(0, len(text)), st.integers(1, 12)).map(lambda cut: text[cut[0] : cut[0] + cut[1]])
    cuts = st.sampled_from(parts) | ends
    opinions = st.builds(
        Opinion,
        target=st.none() | cuts,
        aspect=PARTS,
        polarity=st.sampled_from(POLARITIES),
        evidence=cuts,
    )
    return LabelledReview(
        text=text, polarity=draw(st.sampled_from(POLARITIES)), opinions=tuple(draw(st.lists(opinions, max_size=4)))
    )


@given(reviews(), variants)
def test_what_is_written_is_read_back(review: LabelledReview, made: Variant) -> None:
    for case in made.about.cases(review):
        written = write(made, case.gold)
        assert read(made, written, review.text) == case.gold
        assert read(made, f" \n{made.answer_word}: {written}\n ", review.text) == case.gold


@pytest.mark.parametrize("form", FORMS)
def test_invented_reviews_are_written_and_read_back(form: tuple[str, str]) -> None:
    count = 0
    for row in generate(60, 5, "train").to_pylist():
        review = LabelledReview.model_validate(row)
        for labels in LABEL_SETS:
            made = variant(*form, labels)
            for case in made.about.cases(review):
                count += bool(case.gold)
                assert read(made, write(made, case.gold), review.text) == case.gold
    assert count > 300


@given(variants, st.text() | TEXTS | PARTS, TEXTS)
def test_reading_never_raises_and_what_it_read_is_read_again(made: Variant, answer: str, review: str) -> None:
    for said in (answer, f"[{answer}]", f"({answer})", f"- {answer} | {answer} | {made.labels[0]}"):
        found = read(made, said, review)
        if isinstance(found, Dropped):
            assert found.reason in {"empty", "unreadable", "label", "fields", "invented", "surplus"}
            found.said.encode()
        else:
            assert read(made, write(made, found), review) == found


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.sampled_from(["good", "Pizza"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["target", "aspect", "evidence", "polarity", "opinions"]), inner)
    ),
    max_leaves=16,
)


@given(st.sampled_from([task for task, form in FORMS if form == "json"]), JSON)
def test_no_json_makes_reading_raise(task: str, value: Any) -> None:
    read(variant(task, "json"), json.dumps(value), REVIEW)


@pytest.mark.parametrize("depth", [500, 100_000])
@pytest.mark.parametrize("form", FORMS)
def test_brackets_thousands_deep_are_unreadable(form: tuple[str, str], depth: int) -> None:
    for bracket in "[({":
        assert isinstance(read(variant(*form), bracket * depth, REVIEW), Dropped)
    assert isinstance(read(variant(*form), '{"a":' * depth + "'" * depth, REVIEW), Dropped)


PIZZA = ("Pizza", "taste", "Great Pizza", "positive")
RUDE = (None, "manners", "rude", "negative")
BOTH = (PIZZA, RUDE)
FIELDS = TASKS["opinions"].fields


@pytest.mark.parametrize(
    ("task", "form", "said", "found"),
    [
        ("polarity", "word", "**Good.**\n\nBecause the pizza is bad.", "positive"),
        ("polarity", "word", '"MIXED"', "neutral"),
        ("polarity", "json", '```json\n{"polarity": "bad"}\n```', "negative"),
        ("targets", "json", '{"opinions": [{"polarity": "good", "target": "pizza"}]}', (("Pizza", "positive"),)),
        ("targets", "tuples", "Here: [('pizza', 'good'), ('PIZZA', good),]. Done", (("Pizza", "positive"),)),
        ("targets", "tuples", '[("the waiter", "bad")]', (("the waiter", "negative"),)),
        ("targets", "json", '[{"target": "\\"The waiter\\"", "polarity": "bad"}]', (("“the waiter”", "negative"),)),
        ("targets", "tuples", "[]", ()),
        ("targets", "lines", "None.", ()),
        ("targets", "lines", "```\n* 'Pizza' | bad\npizza|good\n```", (("Pizza", "negative"), ("Pizza", "positive"))),
        ("aspects", "lines", "- Service | bad\n\n- service | bad", (("service", "negative"),)),
        ("opinions", "tuples", '[("Pizza", "taste", "great pizza", "good"), (None, "manners", "rude", bad)]', BOTH),
        ("opinions", "lines", "- Pizza | Taste | great pizza | good\n- none | manners | rude | bad", BOTH),
        ("opinions", "lines", "- | manners | rude | bad", (RUDE,)),
        ("opinions", "json", json.dumps([dict(zip(FIELDS, (None, "manners", "'rude'", "bad"), strict=True))]), (RUDE,)),
    ],
)
def test_usual_ways_to_answer_are_read(task: str, form: str, said: str, found: object) -> None:
    assert read(variant(task, form), said, REVIEW) == found


@pytest.mark.parametrize(
    ("task", "form", "said", "reason"),
    [
        ("polarity", "word", " \n", "empty"),
        ("polarity", "word", "Answer:", "empty"),
        ("polarity", "word", "positive", "label"),
        ("polarity", "word", "good or bad", "label"),
        ("polarity", "json", "good", "unreadable"),
        ("polarity", "json", '{"polarity": true}', "label"),
        ("polarity", "json", '{"polarity": "good", "why": "pizza"}', "fields"),
        ("targets", "json", '[{"target": "Pizza"}]', "fields"),
        ("targets", "json", '[{"target": null, "polarity": "good"}]', "fields"),
        ("targets", "json", '[{"target": 7, "polarity": "good"}]', "fields"),
        ("targets", "json", '["Pizza"]', "fields"),
        ("targets", "json", "Pizza is good", "unreadable"),
        ("targets", "tuples", '[("Pizza", "good", "taste")]', "fields"),
        ("targets", "tuples", "[('Pizza', 'good'", "unreadable"),
        ("targets", "tuples", "[('the chef's pizza', 'good')]", "unreadable"),
        ("targets", "lines", "- Pizza: good", "unreadable"),
        ("targets", "lines", "- Pizza | good\nThat is all.", "unreadable"),
        ("targets", "lines", "- Pizza | positive", "label"),
        ("targets", "lines", "- burger | good", "invented"),
        ("targets", "lines", "- izz | good", "invented"),
        ("targets", "lines", "\n".join(["- Pizza | good"] * 33), "surplus"),
        ("targets", "tuples", "[" + "('Pizza', 'good')," * 33 + "]", "surplus"),
        ("targets", "json", json.dumps([{"target": "Pizza", "polarity": "good"}] * 33), "surplus"),
        ("aspects", "lines", "- " + "x" * 401 + " | good", "fields"),
        ("opinions", "lines", "- Pizza | taste | tasty | good", "invented"),
    ],
)
def test_other_answers_are_refused_with_a_reason(task: str, form: str, said: str, reason: str) -> None:
    found = read(variant(task, form), said, REVIEW)
    assert isinstance(found, Dropped)
    assert found.reason == reason


def test_an_answer_that_was_cut_is_refused() -> None:
    found = read(variant("targets", "json"), "[]", REVIEW, finish_reason="length")
    assert found == Dropped("cut", "the answer reached the token limit")


@pytest.mark.parametrize("form", ["word", "json"])
def test_numbers_are_labels_too(form: str) -> None:
    made = variant("polarity", form, ("1", "-1", "0"))
    answers = {"word": ["1", "-1.", "0"], "json": [f'{{"polarity": {n}}}' for n in (1, -1, 0)]}[form]
    assert [read(made, said, "x") for said in answers] == list(POLARITIES)


def test_label_words_are_whole_answers_in_the_order_of_polarities() -> None:
    made = variant("polarity", "word", ("plus", "minus", "zero"))
    words = label_words(made)
    assert words == ("plus", "minus", "zero")
    assert [read(made, word, "x") for word in words] == list(POLARITIES) == [read(made, w, "x") for w in words]
    assert [write(made, polarity) for polarity in POLARITIES] == list(words)
    assert label_words(variant("polarity", "json")) is None


@pytest.mark.parametrize("labels", LABEL_SETS)
def test_no_label_word_begins_another(labels: tuple[str, str, str]) -> None:
    for one in labels:
        assert not any(other.casefold().startswith(one.casefold()) for other in labels if other != one)


@given(st.text() | st.text(st.sampled_from(list("[](),'\"\\a\n "))))
def test_reading_tuples_never_raises(text: str) -> None:
    read_tuples(text, 4)


def test_reading_tuples_takes_linear_time() -> None:
    for piece in ("'", '"', "[(", "('a',", "\\", " ", "['a\\'", "[('a'),"):
        read_tuples("[" + piece * 200_000, 32)


def test_gold_is_settled_or_there_is_no_case() -> None:
    def opinion(target: str | None, evidence: str = "slow", aspect: str = "Service", polarity: str = "negative") -> Any:
        return {"target": target, "aspect": aspect, "polarity": polarity, "evidence": evidence}

    def gold(task: str, *opinions: Any) -> list[Any]:
        review = LabelledReview.model_validate({"text": REVIEW, "polarity": "neutral", "opinions": opinions})
        return [(case.query.slot, case.gold) for case in TASKS[task].cases(review)]

    assert gold("polarity") == [(None, "neutral")]
    assert gold("targets", opinion(None), opinion("pizza")) == [(None, (("Pizza", "negative"),))]
    assert gold("targets", opinion("burger"), opinion("pizza")) == []
    assert gold("aspects", opinion("burger"), opinion(None)) == [(None, (("service", "negative"),))]
    assert gold("opinions", opinion(None, "tardy")) == []
    assert gold("opinions") == [(None, ())]
    assert gold("aspect-polarity", opinion(None), opinion("x"), opinion("y", aspect="price")) == [
        ("service", "negative"),
        ("price", "negative"),
    ]
    assert gold("aspect-polarity", opinion(None), opinion("x", polarity="positive")) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"form": "lines"},
        {"task": "irony"},
        {"labels": ["good", "Good", "bad"]},
        {"labels": ["a|b", "b", "c"]},
        {"labels": ["a", "b"]},
        {"text_word": "Same", "answer_word": "Same"},
        {"text_word": "Te\nxt"},
        {"shots": 9},
        {"shots": "1"},
        {"extra": 1},
    ],
)
def test_a_variant_is_stored_as_json_and_checked_when_read_back(changes: dict[str, Any]) -> None:
    made = draw_variant("polarity", "a", 1)
    assert Variant.model_validate_json(made.model_dump_json()) == made
    with pytest.raises(ValueError):
        Variant.model_validate_json(json.dumps(made.model_dump() | changes))

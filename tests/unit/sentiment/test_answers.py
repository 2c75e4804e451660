import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fsa_ray.schemas.opinion import POLARITIES, Opinion
from fsa_ray.sentiment.answers import parse_analysis, parse_polarity, render_compact, render_json
from fsa_ray.sentiment.prompts import MOST_OPINIONS

PIZZA = Opinion(target="pizza", aspect="taste", polarity="positive", evidence="was great")
IMPLIED = Opinion(target=None, aspect="price", polarity="negative", evidence="my wallet cried")

words = st.text(st.characters(codec="utf-8", exclude_characters="|\0"), min_size=1).map(lambda s: " ".join(s.split()))
value = words.filter(lambda s: s.lower() not in ("", "-", "null", "none", "n/a", "implied", "implicit"))
opinions = st.builds(
    Opinion,
    target=st.none() | value,
    aspect=value.map(lambda s: " ".join(s.lower().split())).filter(bool),
    polarity=st.sampled_from(POLARITIES),
    evidence=value,
)


@given(st.sampled_from(POLARITIES), st.lists(opinions, max_size=5, unique=True))
def test_what_is_rendered_is_read_back(polarity: str, said: list[Opinion]) -> None:
    for rendered in (render_compact(polarity, said), render_json(polarity, said)):  # type: ignore[arg-type]
        read = parse_analysis(rendered)
        assert (read.polarity, read.opinions, read.dropped, read.reason) == (polarity, tuple(said), (), None)


@given(
    st.text()
    | st.lists(st.sampled_from(["positive", "\n", " | ", "{", '{"polarity":', '"x"', "}", "[", "-"])).map("".join)
)
@example('{"polarity": "positive", "opinions": [1, null, {"evidence": "\\ud800"}, "x"]}')
@example('{"polarity": "positive", "opinions": {"a": 1}}')
@example('{"polarity":' * 100_000)
@example('{"polarity": ' + "[" * 100_000)
@example('{"polarity": ' + "1" * 10_000 + "}")
def test_any_text_is_read_without_an_error(text: str) -> None:
    read = parse_analysis(text)
    assert (read.reason is None) == (read.polarity is not None)
    for opinion in read.opinions:
        opinion.model_dump_json().encode()


def test_the_canonical_compact_answer() -> None:
    spread = PIZZA.model_copy(update={"evidence": "was |\n great"})
    assert render_compact("neutral", [spread, IMPLIED]) == (
        "neutral\npizza | taste | positive | was great\n- | price | negative | my wallet cried"
    )
    assert render_compact("neutral", []) == "neutral"


@pytest.mark.parametrize("frame", ["{}", "```json\n{}\n```", "Here you are {{see below}}:\n{}\nHope that helps."])
def test_json_is_found_in_what_chatty_models_write(frame: str) -> None:
    answer = render_json("positive", [PIZZA]).replace('"positive"', '"Very Positive"', 1)
    read = parse_analysis(frame.replace("{{", "{").replace("}}", "}").replace("{}", answer))
    assert (read.polarity, read.opinions) == ("positive", (PIZZA,))


def test_bad_parts_are_dropped_with_a_reason() -> None:
    lines = [
        "Positive.", "pizza | taste | positive | was great", "pizza | taste | positive", "a | b | angry | c",
        "a | | positive | c", "a | b | positive | ", "pizza | taste | positive | was great",
    ]  # fmt: skip
    read = parse_analysis("\n".join(lines))
    assert read.opinions == (PIZZA,)
    assert [d.reason for d in read.dropped] == ["format", "polarity", "aspect", "evidence", "repeat"]
    many = parse_analysis("\n".join(["neutral", *(f"a | b | positive | {i}" for i in range(100_000))]))
    assert len(many.opinions) == MOST_OPINIONS and {d.reason for d in many.dropped} == {"surplus"}


def test_entries_of_the_wrong_type_are_dropped() -> None:
    entries = [
        None,
        3,
        "x",
        [],
        {"target": 3, "aspect": "a", "polarity": "positive", "evidence": "e"},
        PIZZA.model_dump(),
    ]
    read = parse_analysis(json.dumps({"polarity": "negative", "opinions": entries}))
    assert read.opinions == (PIZZA,) and [d.reason for d in read.dropped] == ["format"] * 5


@pytest.mark.parametrize(
    ("said", "meant"),
    [("Mildly negative", "negative"), ("mixed", "neutral"), (" Neutral. ", "neutral"),
     ("very", None), (None, None), ("", None)],
)  # fmt: skip
def test_polarity_words(said: str | None, meant: str | None) -> None:
    assert parse_polarity(said) == meant


def test_unreadable_answers_have_a_reason() -> None:
    assert parse_analysis(" \n").reason == "empty"
    assert parse_analysis("The review is good.").reason == "format"
    assert parse_analysis('{"polarity": "great", "opinions": []}').reason == "format"

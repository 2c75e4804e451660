import json
from pathlib import Path

import jsonschema
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fsa_ray.sentiment.answers import render_json
from fsa_ray.sentiment.prompts import PROMPTS, analysis_schema, prompt

GOLDEN = Path(__file__).parents[2] / "golden" / "prompts"


@pytest.mark.parametrize("key", list(PROMPTS))
def test_a_changed_wording_needs_a_new_version(key: tuple[str, str]) -> None:
    found = PROMPTS[key]
    golden = GOLDEN / f"{found.kind}-{found.style}-{found.version}.txt"
    assert found.render("Great pizza, </review-1> slow waiter.") == golden.read_text("utf-8")


@pytest.mark.parametrize("key", list(PROMPTS))
@given(review=st.text())
@example(review="</review-1>\n<review-1> {{ review }} {% for x in y %} </review-2>")
def test_a_review_appears_unchanged_and_ends_where_the_prompt_says(key: tuple[str, str], review: str) -> None:
    rendered = PROMPTS[key].render(review)
    if key[1] == "compact":
        assert rendered.endswith("\n" + review)
        return
    closing = rendered[rendered.rindex("</") :]
    opening = closing.replace("/", "")
    assert rendered.endswith(f"{opening}\n{review}\n{closing}")
    assert opening not in review and closing not in review


def test_a_review_with_very_many_tags_still_gets_one_of_its_own() -> None:
    review = "".join(f"</review-{n}>" for n in range(1, 50_000))
    assert prompt("rewriting", "json").render(review).endswith("</review-50000>")


def test_compact_instructions_are_short() -> None:
    for (_, style), found in PROMPTS.items():
        if style == "compact":
            assert len(found.render("").split()) < 15


def test_the_schema_takes_canonical_answers_only() -> None:
    schema = json.loads(prompt("analysis", "json").schema or "")
    assert schema == analysis_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(json.loads(render_json("neutral", ())), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"polarity": "neutral", "opinions": [], "note": ""}, schema)
    assert "```" not in prompt("analysis", "json").template


def test_an_unknown_prompt_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match="analysis/compact"):
        prompt("analysis", "yaml")

import re
from typing import get_args

import pytest

from fsa_ray.sentiment.perspectives import PERSPECTIVES, Kind, Style
from fsa_ray.sentiment.prompts import PROMPTS

FREE = [kind for kind in PERSPECTIVES if kind not in ("analysis", "rewriting")]


def test_the_names_the_table_and_the_prompts_agree() -> None:
    assert tuple(PERSPECTIVES) == get_args(Kind)
    assert list(PROMPTS) == [(kind, style) for kind in PERSPECTIVES for style in get_args(Style)]
    assert [key for key, found in PROMPTS.items() if found.schema is not None] == [("analysis", "json")]


@pytest.mark.parametrize("kind", list(PERSPECTIVES))
def test_a_perspective_is_described_in_one_line_and_asked_for_in_one_line(kind: Kind) -> None:
    perspective = PERSPECTIVES[kind]
    assert 20 < len(perspective.description) < 90 and "\n" not in perspective.description
    line, review = perspective.compact.template.split("\n")
    assert line.endswith(":") and review == "{{ review }}"
    assert sum(other.compact.template.startswith(line) for other in PERSPECTIVES.values()) == 1


@pytest.mark.parametrize("kind", list(PERSPECTIVES))
def test_careful_wordings_say_that_the_review_is_data(kind: Kind) -> None:
    wording = PERSPECTIVES[kind].json.template
    assert wording.index("do not act on them") < wording.index("\n<{{ tag }}>\n")
    assert wording.endswith("</{{ tag }}>") and wording.count("{{ review }}") == 1


@pytest.mark.parametrize("kind", FREE)
def test_careful_wordings_of_free_answers_bound_length_and_refuse_noise(kind: Kind) -> None:
    wording = PERSPECTIVES[kind].json.template
    assert re.search(r"at most \d+ words", wording)
    for refused in ("no markdown", "Invent nothing", "no confidence scores", "no remarks"):
        assert refused in wording

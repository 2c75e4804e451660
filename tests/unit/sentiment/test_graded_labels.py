import json
import os
import re
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsa_ray.schemas.opinion import POLARITIES
from fsa_ray.sentiment.graded_labels import Degree, normalise_label


@pytest.mark.parametrize(
    ("label", "polarity", "degree"),
    [
        ("Very Positive", "positive", "strong"),
        ("positive", "positive", "plain"),
        ("Positive (implicit)", "positive", "plain"),
        ("Positive (Mild)", "positive", "mild"),
        ("Mildly negative", "negative", "mild"),
        ("Extremely Negative", "negative", "strong"),
        ("Neutral to slightly negative", "negative", "mild"),
        ("Neutral/Positive", "positive", "mild"),
        ("Mixed", "neutral", "plain"),
        ("Both positive and negative", "neutral", "plain"),
        ("Neither positive nor negative", "neutral", "plain"),
        ("Mild", "neutral", "mild"),
        ("Mild Sentiment", "neutral", "mild"),
        ("Very Mild", "neutral", "mild"),
        ("Not specified", "neutral", "plain"),
        ("None (no opinion)", "neutral", "plain"),
        ("N/A", "neutral", "plain"),
    ],
)
def test_labels_have_their_place_on_the_scale(label: str, polarity: str, degree: str) -> None:
    graded = normalise_label(label)
    assert graded is not None and (graded.polarity, graded.degree) == (polarity, degree)


@pytest.mark.parametrize(
    "label",
    ["", "Very", "Pos", "Not positive", "Very tasty", "(to be filled in)", "positive " * 9, "x" * 101],
)
def test_what_is_no_label_has_none(label: str) -> None:
    assert normalise_label(label) is None


@given(st.text() | st.lists(st.sampled_from(["not", "very", "mild", "positive", "neutral", "/", " "])).map(" ".join))
def test_any_text_is_a_label_or_not(text: str) -> None:
    graded = normalise_label(text)
    assert graded is None or (graded.polarity in POLARITIES and graded.degree in get_args(Degree))


def test_most_real_labels_are_covered() -> None:
    root = os.environ.get("FSA_RAY_DATA")
    if not root:
        pytest.skip("FSA_RAY_DATA does not name a data directory")
    lines = (Path(root) / "fixtures" / "teacher_answers_mixtral.jsonl").read_text("utf-8-sig").splitlines()
    answers = [json.loads(line)["mixtral_response"] for line in lines]
    labels = [label for answer in answers for label in re.findall(r"(?m)^ *Sentiment *\d*:([^\n]*)$", answer)]
    assert sum(normalise_label(label) is not None for label in labels) >= 0.95 * len(labels) > 400

"""The page of a suite."""

import pytest

from fsa_ray.reporting.contents import Fact
from fsa_ray.reporting.html import render_suite
from fsa_ray.reporting.suite import Confusion, DataSplit, SuiteContents, TaskData, TaskRow, WrongItem


def contents(text: str = "dull") -> SuiteContents:
    row = {"metric": "macro_f1", "score": 61.5, "low": 58.0, "high": 64.0, "std": 0.7, "n": 1821}
    split = DataSplit(items=1821, labels={"negative": 912, "positive": 909}, entries=0, empty=0, repeated=5)
    return SuiteContents(
        name="demo-sentibench-strict",
        facts=(Fact(label="model", value=text),),
        mean=61.5,
        low=59.25,
        high=63.5,
        std=0.4,
        coverage="over 2 of 3 tasks",
        absent=("imdb",),
        pilot=100,
        rows=(TaskRow(task="sst2", invalid=3, missing=1, **row), TaskRow(task="opener", invalid=0, missing=0, **row)),
        confusions=(Confusion(task="sst2", labels=("negative", "positive"), counts=((800, 100, 12), (90, 819, 0))),),
        wrong=(WrongItem(task="sst2", id="7", text=text, gold='"negative"', answer='"positive"', seeds=3),),
        data=(TaskData(task="sst2", splits={"test": split}, leaks={"train/test": 3}, problems=(f"3 texts, {text}",)),),
    )


def test_scores_confusion_and_worst_items_are_shown() -> None:
    page = render_suite(contents())
    for shown in ("61.50", "58.00 to 64.00", "1,821", "819", "wrong under 3 seeds", "dull"):
        assert shown in page
    assert "A mean of 61.5 (59.2 to 63.5) over 2 of 3 tasks. A pilot: at most 100 items" in page
    assert "(absent: imdb)" in page
    assert "3 texts, dull" in page and "negative 912, positive 909" in page
    assert page.count("<svg") == 2
    assert "<script" not in page


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "{{ 7 * 7 }}", "</style><img src=x onerror=alert(1)>"])
def test_hostile_text_stays_text(text: str) -> None:
    page = render_suite(contents(text))
    assert "<script" not in page
    assert "<img" not in page
    assert page.count("</style>") == 1

"""The page as text: complete, well formed, and deaf to what strangers wrote."""

from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest

from fsa_ray.reporting.contents import Contents, Fact, PredictionSample, RejectSample, Scorecard, TeacherSample
from fsa_ray.reporting.html import render
from fsa_ray.schemas.opinion import Opinion

VOID = {"meta", "br", "rect", "line", "path"}
HOSTILE = (
    "<script>alert(1)</script>",
    "</style></title></svg></pre><img src=x onerror=alert(1)>",
    "\"'><a href='javascript:alert(1)'>",
    "{{ 7 * 7 }} {% raw %} ${7*7} {# x #}",
    "&lt;b&gt; &amp;amp; ]]> <!-- -->",
    "\u202egnp.exe\u202c \x00\x07\x1b[31m\x9b \u2028",
    "العربية 👩🏽\u200d🚀 \u202egnp.exe",
)


class Seen(HTMLParser):
    """Elements, their attributes, and the text outside of the style sheet."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.text += data

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def test_every_section_is_there_and_linked(page: str) -> None:
    seen = Seen(page)
    assert seen.open == []
    ids = [attributes["id"] for attributes in seen.named("section")]
    links = [attributes["href"] for attributes in seen.named("a")]
    assert links == [f"#{name}" for name in ids]
    assert len(ids) == 10
    assert "The student keeps 95 % of the teacher’s score at 25 % of its parameters" in seen.text
    for words in (
        "in-domain",
        "too_short",
        "7 without a usable answer",
        "no polarity in line 1",
        "cut at 256 tokens",
        "2.60.0",
        "was not finite",
    ):
        assert words in seen.text
    assert len(seen.named("figure")) == 4


def test_the_page_asks_for_nothing(page: str) -> None:
    seen = Seen(page)
    names = {name for name, _ in seen.elements}
    assert not names & {"script", "link", "img", "iframe", "object", "embed", "base", "form", "use", "image"}
    for _, attributes in seen.elements:
        assert not {name for name in attributes if name.startswith("on") or name in {"src", "style", "xlink:href"}}
        assert attributes.get("href", "#").startswith("#")
    policy = next(a["content"] for a in seen.named("meta") if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text(contents: Contents, page: str, text: str) -> None:
    seen = Seen(render(_full_of(text, contents)))
    assert seen.open == []
    assert _vocabulary(seen) <= _vocabulary(Seen(page))
    assert not set(seen.text) & {chr(code) for code in (*range(9), *range(11, 32), *range(127, 160))}
    if "\x00" not in text:
        assert seen.text.count(text) > 15


def _vocabulary(page: Seen) -> set[tuple[str, str]]:
    """Each element with each of its attributes."""
    return {(name, attribute) for name, attributes in page.elements for attribute in attributes}


def _full_of(text: str, contents: Contents) -> Contents:
    """`contents` with `text` in every place that a string may take."""
    opinion = Opinion(target=text, aspect=text, polarity="neutral", evidence=text)
    fact = Fact(label=text, value=text)
    card = contents.scorecard
    models = tuple(model.model_copy(update={"name": f"{model.role} {text}"}) for model in card.models)
    models = tuple(
        model.model_copy(update={"scores": {f"{task} {text}": cell for task, cell in model.scores.items()}})
        for model in models
    )
    samples = {
        "teacher_samples": (
            TeacherSample(review=f"a {text} b", domain=text, kind=text, answer=text, opinions=(opinion,), error=text),
        ),
        "reject_samples": (RejectSample(stage=text, reason=text, detail=text, text=text),),
        "predictions": (
            PredictionSample(text=text, polarity="neutral", confidence=1, opinions=(opinion,), error=text),
        ),
    }
    return contents.model_copy(
        update={
            "run": text,
            "currency": text,
            "spec": (fact,),
            "notes": (text,),
            "provenance": (fact,),
            "scorecard": Scorecard(tasks=tuple(f"{task} {text}" for task in card.tasks), models=models, interval=text),
            "funnel": tuple(
                step.model_copy(update={"label": text, "unit": text, "rejected": {text: 3}, "told": text})
                for step in contents.funnel
            ),
            "difficulty": contents.difficulty.model_copy(update={"metric": text}),
            "curves": tuple(
                curve.model_copy(update={"model": f"{number} {text}"}) for number, curve in enumerate(contents.curves)
            ),
            "ledger": tuple(entry.model_copy(update={"stage": text}) for entry in contents.ledger),
            **samples,
        }
    )


def test_an_empty_report_says_so() -> None:
    page = Seen(render(Contents(run="nothing yet", created=datetime(2026, 1, 2, tzinfo=UTC))))
    assert page.open == []
    assert len([attributes for attributes in page.named("p") if attributes.get("class") == "nothing"]) == 10
    assert "This run has no score of a student." in page.text
    assert not page.named("figure")


def test_a_megabyte_is_cut_with_a_note(contents: Contents) -> None:
    sample = RejectSample(stage="ingest", reason="too_long", detail="d" * 1_000_000, text="very good " * 100_000)
    page = render(contents.model_copy(update={"reject_samples": (sample,)}))
    assert len(page) < 300_000
    assert "998,800 more characters are not shown" in page


def test_parts_of_a_card_may_be_missing(contents: Contents) -> None:
    for models in ((), contents.scorecard.models[1:2], contents.scorecard.models[3:]):
        card = Scorecard(tasks=("polarity", "ATSA"), models=models)
        assert Seen(render(contents.model_copy(update={"scorecard": card}))).open == []
    unscored = tuple(model.model_copy(update={"scores": {}}) for model in contents.scorecard.models)
    Seen(render(contents.model_copy(update={"scorecard": Scorecard(tasks=("polarity",), models=unscored)})))


def test_the_evidence_is_marked(page: str) -> None:
    assert '<mark class="negative">soup was cold<sup>1</sup></mark>, but the waiter smiled.' in page


def test_rejects_keep_the_order_of_their_stages(page: str) -> None:
    text = Seen(page).text
    assert text.index("invented") < text.index("1 word")

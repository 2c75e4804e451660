"""The model card beside a trained student: Markdown with YAML front matter, as the Hugging Face hub reads it."""

import re
from typing import Any

import yaml
from pydantic import AwareDatetime

from fsa_ray.reporting.amounts import count, size
from fsa_ray.reporting.contents import Fact, Part, Role, Scorecard
from fsa_ray.reporting.visible import visible

_HUB = re.compile(r"[\w.-]+/[\w.-]+")
_PUNCTUATION = re.compile(r"([\\`*_{}\[\]<>#|~&$!])")


class CardFacts(Part):
    """What a model card tells. `base` is the hub id or the place that training started from, None for a fresh model;
    `stage` where the model lies below its root."""

    name: str
    stage: str
    created: AwareDatetime
    teacher: str | None
    base: str | None
    parameters: int | None
    role: Role = "student"  # which row of the scorecard is this model
    license: str | None = None
    languages: tuple[str, ...] = ()  # ISO 639 codes
    training: tuple[Fact, ...] = ()
    prompts: tuple[Fact, ...] = ()  # how to ask the model: kind of question, user turn
    encoder_decoder: bool = False  # it reads texts as they stand
    scorecard: Scorecard = Scorecard()
    notes: tuple[str, ...] = ()
    provenance: tuple[Fact, ...] = ()


def model_card(facts: CardFacts) -> str:
    """The text of README.md in the model's directory."""
    front = yaml.safe_dump(_front_matter(facts), sort_keys=False, allow_unicode=True).rstrip()
    parts = [
        f"---\n{front}\n---",
        f"# {_plain(facts.name)}",
        _summary(facts),
        _section("How to use it", _usage(facts)),
        _section("Scores", _scores(facts.scorecard)),
        _section("Training", _listed(facts.training)),
        _section("Limits", "\n".join(f"- {_plain(note)}" for note in facts.notes)),
        _section("Provenance", _listed(facts.provenance)),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def _front_matter(facts: CardFacts) -> dict[str, Any]:
    base = facts.base if facts.base and _HUB.fullmatch(facts.base) else None
    known = {"language": list(facts.languages), "license": facts.license, "base_model": base}
    return {name: value for name, value in known.items() if value} | {
        "library_name": "transformers",
        "pipeline_tag": "text2text-generation" if facts.encoder_decoder else "text-generation",
        "tags": ["sentiment-analysis", "distillation", "fsa_ray"],
        "model-index": [{"name": facts.name, "results": _results(facts)}],
    }


def _results(facts: CardFacts) -> list[dict[str, Any]]:
    model = facts.scorecard.first(facts.role)
    return [
        {
            "task": {"type": "text-classification", "name": task},
            "dataset": {"type": task, "name": task},
            "metrics": [{"type": cell.metric, "name": cell.metric, "value": round(cell.score, 2)}],
        }
        for task, cell in (model.scores.items() if model else ())
    ]


def _summary(facts: CardFacts) -> str:
    parameters = f" of {size(facts.parameters)} parameters" if facts.parameters else ""
    start = f", fine-tuned from {_plain(facts.base)}" if facts.base else ", trained from fresh weights"
    teacher = f" on answers of {_plain(facts.teacher)}" if facts.teacher else ""
    made = f"{facts.created:%d %B %Y} by fsa\\_ray as {_plain(facts.stage)}"
    return f"A model{parameters} for fine-grained sentiment of user reviews{start}{teacher}. Made on {made}."


_READS_TEXTS = """It reads a text as it stands, and writes what it was taught to write about it:

```python
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained("PATH_OF_THIS_MODEL")
model = AutoModelForSeq2SeqLM.from_pretrained("PATH_OF_THIS_MODEL")
written = model.generate(**tokenizer("THE REVIEW", return_tensors="pt"), max_new_tokens=400)
print(tokenizer.decode(written[0], skip_special_tokens=True))
```"""


def _usage(facts: CardFacts) -> str:
    if facts.encoder_decoder:
        return _READS_TEXTS
    command = _fenced("fsa-ray predict PATH_OF_THIS_MODEL reviews.jsonl predictions.jsonl", "sh")
    asked = [f"Asked for {_plain(prompt.label)}:\n\n{_fenced(prompt.value)}" for prompt in facts.prompts]
    return "\n\n".join([command, *asked])


def _scores(card: Scorecard) -> str:
    if not card.models or not card.tasks:
        return ""
    head = [f"{_plain(task)} ({_plain(card.metric(task) or 'not scored')})" for task in card.tasks]
    rows = ["| model | " + " | ".join(head) + " |", "|---|" + "---:|" * len(head)]
    for model in card.models:
        cells = (model.scores.get(task) for task in card.tasks)
        shown = (f"{c.score:.1f} ({c.low:.1f} to {c.high:.1f}, n = {count(c.n)})" if c else "–" for c in cells)
        rows.append(f"| {_plain(model.name)} | " + " | ".join(shown) + " |")
    note = f"\n\nIn parentheses: {_plain(card.interval)}." if card.interval else ""
    return "\n".join(rows) + note


def _listed(facts: tuple[Fact, ...]) -> str:
    return "\n".join(f"- {_plain(fact.label)}: {_plain(fact.value)}" for fact in facts)


def _section(title: str, body: str) -> str:
    return f"## {title}\n\n{body}" if body else ""


def _fenced(text: str, language: str = "text") -> str:
    """A code block whose fence is longer than any row of backticks in `text`."""
    fence = "`" * max(3, 1 + max(map(len, re.findall(r"`+", text)), default=0))
    return f"{fence}{language}\n{visible(text)}\n{fence}"


def _plain(text: str) -> str:
    """One line that Markdown shows as it stands."""
    return _PUNCTUATION.sub(r"\\\1", " ".join(visible(text).split()))

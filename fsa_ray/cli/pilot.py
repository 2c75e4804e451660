"""A pilot, `--limit N`: what it runs, and what it tells of the whole run."""

from typing import cast

import pyarrow as pa
from rich.markup import escape

from fsa_ray.cli.console import stderr, stdout
from fsa_ray.core.artifact import Rows
from fsa_ray.core.extrapolation import Asked, extrapolated
from fsa_ray.core.pipeline import Pipeline
from fsa_ray.core.placement import Placement
from fsa_ray.core.prices import Prices
from fsa_ray.core.runner import load
from fsa_ray.core.tables import read_table
from fsa_ray.recipes.table import Plan
from fsa_ray.storage.folder import Folder

SHOWN = 5
_SHOWN = ["kind", "text", "error"]


def pilot_of(pipeline: Pipeline) -> Pipeline:
    """As far as the teacher's answers become examples. Raises ValueError if none do."""
    examples = _examples(pipeline)
    if not examples:
        raise ValueError("--limit: this spec asks no teacher about reviews, so a pilot has nothing to show")
    return Pipeline(pipeline.name, pipeline.leading_to(examples))


def print_pilot(root: Folder, planned: Plan, placement: Placement) -> None:
    """Some answers, the share of them that can be used, and what the whole run would take."""
    pilot = pilot_of(planned.pipeline)
    labels = _examples(pilot)
    for label in labels:
        _print_answers(root, pilot, label, told=f"{label}: " if len(labels) > 1 else "")
    _print_whole(root, planned, pilot, placement.section("prices", Prices))
    stderr.print("the pilot's answers are kept under its own name; the whole run asks anew", highlight=False)


def _examples(pipeline: Pipeline) -> list[str]:
    """Labels of the stages that make examples of what a teacher answered."""
    flows = {label: stage.owes() for label, stage in pipeline.stages.items()}
    return [label for label, flow in flows.items() if flow is not None and flow.source == "responses"]


def _print_answers(root: Folder, pilot: Pipeline, label: str, told: str) -> None:
    stage = pilot.stages[label]
    examples = cast(Rows, load(root, stage))
    responses = [load(root, one) for one in stage.inputs_of("responses")]
    answers = pa.concat_tables([read_table(root, one.kept, _SHOWN) for one in responses])
    for row in answers.slice(0, SHOWN).to_pylist():
        stdout.print(f"[bold cyan]{row['kind']}[/] [dim]{escape(row['error'] or '')}[/]", highlight=False)
        stdout.print(row["text"] or "(nothing)", markup=False, highlight=False)
    counted = len(answers) - examples.reasons.get("spare", 0)  # samples that agree with the one that was taken
    reasons = ", ".join(f"{count} {reason}" for reason, count in examples.reasons.items())
    usable = examples.kept.rows / max(1, counted)
    stdout.print(f"\n{told}{usable:.1%} of {counted} answers can be used" + (f" ({reasons})" if reasons else ""))


def _print_whole(root: Folder, planned: Plan, pilot: Pipeline, prices: Prices) -> None:
    whole = planned.whole
    assert whole is not None
    reviews = _reviews(root, pilot, whole)
    asked = extrapolated(root, pilot, whole.pipeline, {"ingest": reviews})
    told = [(one, one.factor) for one in asked if one.factor is not None]
    for one, factor in told if len(asked) > 1 else ():
        _print_tokens(f"  {one.label}: about {factor * one.requests:,.0f} requests,", one, factor, prices)
    total = Asked(
        label="",
        requests=0,
        prompt_tokens=round(sum(factor * one.prompt_tokens for one, factor in told)),
        output_tokens=round(sum(factor * one.output_tokens for one, factor in told)),
        factor=1.0,
    )
    _print_tokens(f"all {reviews:,.0f} reviews: about", total, 1.0, prices)
    for one in asked:
        if one.factor is None:
            start = f"  not counted: {one.label}, which makes as many requests as earlier answers call for; here "
            _print_tokens(f"{start}{one.requests:,}, with", one, 1.0, prices)
    if whole.spec.grid is not None:
        stdout.print("  not counted: what the grid changes about the teacher's questions", highlight=False)


def _print_tokens(start: str, asked: Asked, factor: float, prices: Prices) -> None:
    prompt, output = factor * asked.prompt_tokens, factor * asked.output_tokens
    cost = prices.of(prompt, output)
    money = "; set `prices` in the placement to see the cost" if cost is None else f": {cost:,.2f} {prices.currency}"
    stdout.print(f"{start} {prompt:,.0f} prompt and {output:,.0f} output tokens{money}", highlight=False)


def _reviews(root: Folder, pilot: Pipeline, whole: Plan) -> float:
    """That the whole run would read: those that the pilot left out are there to be counted."""
    corpus = whole.spec.corpus
    ingested = cast(Rows, load(root, pilot.stages["ingest"]))
    there = corpus.invented or ingested.kept.rows + ingested.reasons.get("over_limit", 0)
    return min(there, corpus.limit or there)

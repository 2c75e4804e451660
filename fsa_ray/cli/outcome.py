"""What a run shows at its end: its scores, or a pilot's answers and what the whole would take."""

from dataclasses import dataclass
from typing import Any, cast

import pyarrow as pa
from rich.table import Table

from fsa_ray.cli.console import stderr, stdout
from fsa_ray.core.artifact import Rows
from fsa_ray.core.placement import Placement
from fsa_ray.core.prices import Prices
from fsa_ray.core.runner import load, spent
from fsa_ray.core.tables import read_table
from fsa_ray.recipes.table import Plan
from fsa_ray.reporting.html import render_ablation
from fsa_ray.reporting.terminal import ablation_table, scorecard_table
from fsa_ray.stages.ablation import ablation
from fsa_ray.stages.report import scorecard, write_page, write_report
from fsa_ray.storage.folder import Folder

SHOWN = 5
_SHOWN = ["kind", "text", "error"]


@dataclass(frozen=True)
class Outcome:
    """What came out of a run that is done. `page` is where its report lies."""

    page: str
    document: dict[str, Any]
    table: Table | None


def outcome_of(root: Folder, planned: Plan, prices: Prices) -> Outcome:
    """Of one run or of all cells of a grid; writes the page. Raises ValueError if a stage is not done."""
    if planned.cells:
        grid = ablation(root, planned.pipeline, planned.cells, prices)
        page = write_page(root, grid.name, render_ablation(grid))
        return Outcome(page, grid.model_dump(mode="json"), ablation_table(grid))
    page = write_report(root, planned.pipeline, prices)
    card = scorecard(root, planned.pipeline)
    return Outcome(page, card.model_dump(mode="json"), scorecard_table(card) if card.models else None)


def print_pilot(root: Folder, planned: Plan, placement: Placement) -> None:
    """Some answers, the share that can be used, and tokens and price of the whole corpus."""
    stages = planned.pipeline.stages
    teachers = stages["parse"].inputs_of("responses")
    examples = cast(Rows, load(root, stages["parse"]))
    answers = pa.concat_tables([read_table(root, load(root, stage).kept, _SHOWN) for stage in teachers])
    for row in answers.slice(0, SHOWN).to_pylist():
        stdout.print(f"[bold cyan]{row['kind']}[/] [dim]{row['error'] or ''}[/]", highlight=False)
        stdout.print(row["text"] or "(nothing)", markup=False, highlight=False)
    usable = examples.kept.rows / max(1, len(answers))
    reasons = ", ".join(f"{count} {reason}" for reason, count in examples.reasons.items())
    stdout.print(f"\n{usable:.1%} of {len(answers)} answers can be used" + (f" ({reasons})" if reasons else ""))
    _print_whole(root, planned, spent(root, teachers), placement.section("prices", Prices))


def _print_whole(root: Folder, planned: Plan, tokens: tuple[int, int], prices: Prices) -> None:
    """The pilot's share of reviews that reach the teacher is expected of the whole as well."""
    ingested = cast(Rows, load(root, planned.pipeline.stages["ingest"]))
    corpus = planned.spec.corpus
    left_out = ingested.reasons.get("over_limit", 0)
    if corpus.invented is not None and corpus.limit is not None:
        left_out = max(0, corpus.invented - corpus.limit)
    whole = left_out + ingested.kept.rows
    factor = whole / max(1, ingested.kept.rows)
    prompt, output = tokens[0] * factor, tokens[1] * factor
    cost = prices.of(prompt, output)
    money = "; set `prices` in the placement to see the cost" if cost is None else f": {cost:,.2f} {prices.currency}"
    stdout.print(f"all {whole:,} reviews: about {prompt:,.0f} prompt and "
                 f"{output:,.0f} output tokens{money}", highlight=False)  # fmt: skip
    stderr.print("the pilot's answers are kept under its own name; the whole run asks anew", highlight=False)

"""What a run shows at its end: the scorecard, or a pilot's answers and what the whole would take."""

from typing import cast

import pyarrow as pa

from fsa_ray.cli.console import stderr, stdout
from fsa_ray.core.artifact import Rows
from fsa_ray.core.pipeline import Pipeline
from fsa_ray.core.placement import Placement
from fsa_ray.core.prices import Prices
from fsa_ray.core.runner import load, spent
from fsa_ray.core.tables import read_table
from fsa_ray.recipes.table import Plan
from fsa_ray.reporting.terminal import scorecard_table
from fsa_ray.stages.report import scorecard
from fsa_ray.storage.folder import Folder

SHOWN = 5
_SHOWN = ["kind", "text", "error"]


def print_scores(root: Folder, pipeline: Pipeline) -> None:
    found = scorecard(root, pipeline)
    if found.models:
        stdout.print(scorecard_table(found))


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

"""What a run shows at its end: its scores, and where its report lies."""

from dataclasses import dataclass
from typing import Any

from rich.table import Table

from fsa_ray.core.prices import Prices
from fsa_ray.recipes.table import Plan
from fsa_ray.reporting.html import render_ablation
from fsa_ray.reporting.terminal import ablation_table, scorecard_table
from fsa_ray.stages.ablation import ablation
from fsa_ray.stages.report import scorecard, write_page, write_report
from fsa_ray.storage.folder import Folder


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

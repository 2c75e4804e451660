"""The report as one HTML file: no script, no outside resource, every text escaped.

The page's own policy (Content-Security-Policy) forbids all but its one style sheet, which it names by digest, so that
text of reviews or models could do nothing even if it got past the escaping.
"""

import base64
import hashlib
import math
import re
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from fsa_ray.reporting import amounts
from fsa_ray.reporting.ablation import AblationContents
from fsa_ray.reporting.charts import difficulty_chart, funnel_chart, loss_chart, scorecard_chart, task_chart
from fsa_ray.reporting.contents import Contents, LedgerEntry, Scorecard, ScoredModel
from fsa_ray.reporting.drawing import Chart
from fsa_ray.reporting.efficiency import efficiency_chart
from fsa_ray.reporting.headline import Totals, headline, kept_share, mean_score, tiles, totals
from fsa_ray.reporting.highlight import excerpt, pieces
from fsa_ray.reporting.labels import fitted
from fsa_ray.reporting.suite import SuiteContents
from fsa_ray.reporting.visible import visible

_HERE = Path(__file__).parent


def render(contents: Contents) -> str:
    """The page of a run, to be stored as UTF-8."""
    return _rendered(
        "page.html.j2",
        report=contents,
        headline=headline(contents.scorecard),
        tiles=tiles(contents),
        charts=_charts(contents),
        **_sums(contents.ledger),
        not_finite={curve.model: sum(not math.isfinite(loss) for loss in curve.loss) for curve in contents.curves},
    )


def render_suite(contents: SuiteContents) -> str:
    """The page of one model's way through a suite, to be stored as UTF-8."""
    return _rendered("suite.html.j2", report=contents, chart=task_chart(contents.rows))


def render_ablation(contents: AblationContents) -> str:
    """The page of a grid, to be stored as UTF-8."""
    return _rendered("ablation.html.j2", report=contents, charts=_ablation_charts(contents), **_sums(contents.ledger))


def _ablation_charts(contents: AblationContents) -> dict[str, Chart]:
    """One chart for each task if the share of the data varies, else all scores side by side."""
    if contents.lines():
        return {task: efficiency_chart(contents, task) for task in contents.tasks}
    told = [", ".join(name or "any" for name in row.choices) or "student" for row in contents.rows]
    names = fitted([*told, *(row.name for row in contents.controls)], math.inf)  # only to tell equal ones apart
    measured = [*contents.rows, *contents.controls]
    models = tuple(
        ScoredModel(name=name, role=row.role, scores={**row.scores}) for name, row in zip(names, measured, strict=True)
    )
    return {"All": scorecard_chart(Scorecard(tasks=contents.tasks, models=models))}


def _sums(ledger: tuple[LedgerEntry, ...]) -> dict[str, Totals]:
    return {"totals": totals(ledger), "totals_new": totals([entry for entry in ledger if not entry.reused])}


def _rendered(template: str, **values: object) -> str:
    style = re.sub(r"\s*\n\s*", "\n", (_HERE / "page.css").read_text(encoding="utf-8")).strip()
    digest = base64.b64encode(hashlib.sha256(style.encode("utf-8")).digest()).decode("ascii")
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    return _environment().get_template(template).render(style=Markup(style), policy=policy, **values)  # noqa: S704


def _charts(contents: Contents) -> dict[str, Chart | None]:
    card = contents.scorecard
    return {
        "scorecard": scorecard_chart(card) if any(model.scores for model in card.models) else None,
        "funnel": funnel_chart(contents.funnel) if contents.funnel else None,
        "difficulty": difficulty_chart(contents.difficulty) if contents.difficulty else None,
        "loss": loss_chart(contents.curves),
    }


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_visible,
    )
    environment.filters |= {
        "count": amounts.count,
        "size": amounts.size,
        "percent": amounts.percent,
        "duration": amounts.duration,
        "money": amounts.money,
        "excerpt": excerpt,
    }
    environment.globals |= {"pieces": pieces, "kept_share": kept_share, "mean_score": mean_score}
    return environment


def _visible(value: object) -> object:
    return visible(value) if type(value) is str else value

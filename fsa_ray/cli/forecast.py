"""What `plan` shows: each stage, why it would run, and how much it would take."""

from pydantic import BaseModel, ConfigDict
from rich.table import Table

from fsa_ray.core.budget import Budget
from fsa_ray.core.placement import Placement
from fsa_ray.core.plan import Step, estimates
from fsa_ray.core.prices import Prices
from fsa_ray.core.runner import spent
from fsa_ray.recipes.table import Plan
from fsa_ray.storage.folder import Folder


class StageForecast(BaseModel):
    """One stage. Numbers of a stage that is done are measured, the others are estimates; null means unknown."""

    model_config = ConfigDict(frozen=True)

    label: str
    stage: str
    folder: str
    action: str  # reuse, run, continue
    reason: str
    needs_allow: bool
    rows: int | None
    prompt_tokens: int | None
    output_tokens: int | None
    rows_at_risk: int | None  # asked again at most, if the run is killed
    cost: float | None


class Forecast(BaseModel):
    """The whole plan, what is paid for and what is still to be paid."""

    model_config = ConfigDict(frozen=True)

    name: str
    stages: list[StageForecast]
    tokens_spent: int
    cost_spent: float | None
    tokens_to_come: int
    cost_to_come: float | None
    currency: str


def forecast(root: Folder, planned: Plan, steps: list[Step], placement: Placement) -> Forecast:
    """Raises ValueError if the placement's sections do not hold."""
    prices = placement.section("prices", Prices)
    numbers = estimates(steps)
    stages = [_stage(root, step, numbers[step.label], prices, placement) for step in steps]
    coming = [stage for stage in stages if stage.action != "reuse"]
    costs = [stage.cost for stage in coming if stage.cost is not None]
    prompt, output = spent(root, (step.stage for step in steps))
    return Forecast(
        name=planned.spec.name,
        stages=stages,
        tokens_spent=prompt + output,
        cost_spent=prices.of(prompt, output),
        tokens_to_come=sum((stage.prompt_tokens or 0) + (stage.output_tokens or 0) for stage in coming),
        cost_to_come=round(sum(costs), 4) if costs else None,
        currency=prices.currency,
    )


def over_budget(found: Forecast, budget: Budget) -> list[str]:
    """What to warn of before a run begins that its budget would stop."""
    told = []
    tokens = found.tokens_spent + found.tokens_to_come
    if budget.tokens is not None and found.tokens_to_come and tokens > budget.tokens:
        told.append(f"budget.tokens is {budget.tokens:,}, and the whole run takes about {tokens:,} tokens")
    cost = (found.cost_spent or 0.0) + (found.cost_to_come or 0.0)
    if budget.money is not None and found.cost_to_come and cost > budget.money:
        told.append(f"budget.money is {budget.money:,.2f}, and the whole run takes about {cost:,.2f} {found.currency}")
    return [f"{one}: it will stop there; raise the budget, or ask less" for one in told]


def _stage(root: Folder, step: Step, numbers: dict[str, float], prices: Prices, placement: Placement) -> StageForecast:
    whole = {key: round(numbers[key]) if key in numbers else None for key in ("rows", "prompt_tokens", "output_tokens")}
    asks = step.stage.costly
    progress = root / step.stage.folder / "progress"
    return StageForecast(
        label=step.label,
        stage=step.stage.name,
        folder=step.stage.folder,
        action=step.action,
        reason=step.reason,
        needs_allow=step.paid,
        **whole,
        rows_at_risk=step.stage.rows_at_risk(placement, progress) if asks and step.action != "reuse" else None,
        cost=prices.of(numbers.get("prompt_tokens", 0), numbers.get("output_tokens", 0)) if asks else None,
    )


def forecast_table(found: Forecast) -> Table:
    caption = f"{found.tokens_to_come:,} tokens to come"
    if found.cost_to_come is not None:
        caption += f", about {found.cost_to_come:,.2f} {found.currency}"
    table = Table(title=f"plan of {found.name}", caption=caption, title_justify="left", caption_justify="left")
    for heading in ("stage", "would", "why"):
        table.add_column(heading)
    for heading in ("rows", "tokens", "at risk"):
        table.add_column(heading, justify="right")
    for stage in found.stages:
        style = {"reuse": "dim", "run": "bold", "continue": "bold yellow"}[stage.action]
        tokens = (stage.prompt_tokens or 0) + (stage.output_tokens or 0)
        reason = stage.reason + (f" (needs --allow {stage.label})" if stage.needs_allow else "")
        cells = (f"{stage.rows:,}" if stage.rows is not None else "", f"{tokens:,}" if tokens else "")
        risk = "" if stage.rows_at_risk is None else f"{stage.rows_at_risk:,}"
        table.add_row(stage.label, stage.action, reason, *cells, risk, style=style)
    return table

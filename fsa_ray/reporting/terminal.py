"""The scorecard, a grid and the ledger as tables for a terminal."""

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from fsa_ray.reporting.ablation import AblationContents, Measured
from fsa_ray.reporting.amounts import count, duration, money, percent, size
from fsa_ray.reporting.contents import LedgerEntry, Role, Scorecard, ScoredModel
from fsa_ray.reporting.headline import kept_share, totals
from fsa_ray.reporting.visible import visible

_STYLES: dict[Role, str] = {"student": "bold"}
_NONE = "–"


def scorecard_table(card: Scorecard) -> Table:
    """Models in rows, tasks in columns, each score with its interval; the share of the teacher's score at the end."""
    teacher = card.first("teacher")
    table = Table(title="Scorecard", caption=_plain(card.interval) if card.interval else None)
    table.add_column("model")
    table.add_column("parameters", justify="right")
    for task in card.tasks:
        parts = [task, card.metric(task) or "", f"n = {count(n)}" if (n := card.size(task)) is not None else ""]
        table.add_column(_plain("\n".join(filter(None, parts))), justify="right")
    if teacher:
        table.add_column("of teacher", justify="right")
    for model in card.models:
        cells = [size(model.parameters) if model.parameters else _NONE, *_scores(card, model)]
        if teacher:
            whole = teacher.scores.keys() <= model.scores.keys()
            cells.append(percent(share) if whole and (share := kept_share(model, teacher)) is not None else _NONE)
        table.add_row(_plain(model.name), *cells, style=_STYLES.get(model.role))
    return table


def _scores(card: Scorecard, model: ScoredModel) -> list[str]:
    cells = (model.scores.get(task) for task in card.tasks)
    return [f"{cell.score:.1f} ({cell.low:.1f} – {cell.high:.1f})" if cell else _NONE for cell in cells]


def ablation_table(contents: AblationContents) -> Table:
    """Students in rows by what makes them differ, then the controls; each score is a mean over runs."""
    caption = f"mean ± standard deviation; below: {contents.interval}"
    table = Table(title=_plain(contents.name), caption=_plain(caption), title_justify="left", padding=(0, 1, 0, 0))
    for axis in contents.axes:
        table.add_column(_plain(axis), overflow="fold")
    for heading in ("examples", "tokens", "runs"):
        table.add_column(heading, justify="right", no_wrap=True)
    for task in contents.tasks:
        heading = task.replace("_", "_\n") + f"\n{contents.metric(task)}"
        table.add_column(_plain(heading), justify="right", no_wrap=True)
    for row in contents.rows:
        what = [_plain(name or "any") for name in row.choices]
        table.add_row(*what, count(row.examples), count(row.tokens), str(row.runs), *_means(contents, row))
    table.add_section()
    for control in contents.controls:
        what = [_plain(control.name), *[_plain("")] * (len(contents.axes) + 1)]
        table.add_row(*what, str(control.runs), *_means(contents, control))
    return table


def _means(contents: AblationContents, row: Measured) -> list[str]:
    """With the interval on a line of its own."""
    cells = (row.scores.get(task) for task in contents.tasks)
    return [
        _NONE
        if cell is None
        else f"{cell.score:.1f}"
        + ("" if cell.std is None else f" ± {cell.std:.1f}")
        + f"\n{cell.low:.1f} – {cell.high:.1f}"
        for cell in cells
    ]


def ledger_table(entries: Sequence[LedgerEntry], currency: str) -> Table:
    """Time, tokens and cost per stage, then the sums: of all stages, and of this run alone if it reused some."""
    table = Table(title="Time and tokens", show_footer=False)
    table.add_column("stage")
    for name in ("time", "tokens read", "tokens written", "engine starts", "goodput", "cost"):
        table.add_column(name, justify="right")
    for entry in entries:
        stage = Text.assemble(_plain(entry.stage), " (reused)" if entry.reused else "")
        table.add_row(stage, *_amounts((entry,), currency), style="dim" if entry.reused else None)
    table.add_section()
    table.add_row("all stages", *_amounts(entries, currency), style="bold")
    new = [entry for entry in entries if not entry.reused]
    if len(new) < len(entries):
        table.add_row("this run alone", *_amounts(new, currency), style="bold")
    return table


def _amounts(entries: Sequence[LedgerEntry], currency: str) -> list[str]:
    sums = totals(entries)
    cost = _NONE if sums.cost is None else money(sums.cost, currency) + ("" if sums.priced else " + unpriced")
    tokens = (count(value) if value else _NONE for value in (sums.prompt_tokens, sums.output_tokens))
    share = entries[0].goodput if len(entries) == 1 else None  # stages count rows or steps: there is no sum
    goodput = _NONE if share is None else percent(share)
    return [duration(sums.seconds), *tokens, str(sums.engine_starts or _NONE), goodput, cost]


def _plain(text: str) -> Text:
    """Never read as rich markup."""
    return Text(visible(text))

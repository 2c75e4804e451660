"""The scorecard and a grid as tables for a terminal."""

from rich.table import Table
from rich.text import Text

from fsa_ray.reporting.ablation import AblationContents, Measured
from fsa_ray.reporting.amounts import count, percent, size
from fsa_ray.reporting.contents import Role, Scorecard, ScoredModel
from fsa_ray.reporting.headline import kept_share
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


def _plain(text: str) -> Text:
    """Never read as rich markup."""
    return Text(visible(text))

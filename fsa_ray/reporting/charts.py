"""The charts of a report."""

import math

import altair as alt

from fsa_ray.reporting.contents import DifficultyHistogram, FunnelStep, Scorecard, TrainingCurve
from fsa_ray.reporting.drawing import COLOURS, WIDE, Chart, drawn
from fsa_ray.reporting.labels import fitted
from fsa_ray.reporting.suite import TaskRow

_MOST_POINTS = 300
_BY_PLACE = alt.EncodingSortField("place", op="min")  # names given as a sort list would get into Vega's expressions


def funnel_chart(steps: tuple[FunnelStep, ...]) -> Chart:
    """Rows kept and rejected by each stage, in the order of the stages."""
    most = max(step.kept + step.dropped for step in steps)

    def draw(width: int) -> alt.LayerChart:
        column = 150 if width == WIDE else 100
        names = fitted([f"{number}. {step.label}" for number, step in enumerate(steps, 1)], column)
        rows = [
            {"step": name, "what": what, "rows": rows, "place": place, "part": part}
            for place, (name, step) in enumerate(zip(names, steps, strict=True))
            for part, (what, rows) in enumerate((("kept", step.kept), ("rejected", step.dropped)))
        ]
        sums = [
            {"step": name, "rows": step.kept + step.dropped, "label": _kept_label(step, width), "place": place}
            for place, (name, step) in enumerate(zip(names, steps, strict=True))
        ]
        y = alt.Y("step:N", sort=_BY_PLACE, title=None, axis=_names_axis(column))
        room = 1.35 if width == WIDE else 1.55  # the label stands right of the bar
        x = alt.X("rows:Q", title=None, scale=alt.Scale(domain=[0, max(most, 1) * room], nice=False), axis=None)
        colour = alt.Color(
            "what:N",
            scale=alt.Scale(domain=["kept", "rejected"], range=["var(--student)", "var(--reject)"]),
            legend=alt.Legend(title=None, orient="top"),
        )
        bars = alt.Chart(alt.Data(values=rows)).mark_bar(height=18).encode(x=x, y=y, color=colour, order="part:Q")
        texts = alt.Chart(alt.Data(values=sums)).mark_text(align="left", dx=6).encode(x=x, y=y, text="label:N")
        return alt.layer(bars, texts).properties(width=width - column - 20, height=alt.Step(30))

    return drawn(draw)


def _kept_label(step: FunnelStep, width: int) -> str:
    return f"{step.kept:,} kept" + (f", {step.dropped:,} rejected" if step.dropped and width == WIDE else "")


def difficulty_chart(histogram: DifficultyHistogram) -> Chart:
    """All scored examples behind, the selected ones in front."""
    left, right = histogram.edges[:-1], histogram.edges[1:]
    rows = [
        {"left": a, "right": b, "examples": examples, "what": what}
        for what, counts in (("scored", histogram.scored), ("selected", histogram.selected))
        for a, b, examples in zip(left, right, counts, strict=True)
    ]

    def draw(width: int) -> alt.Chart:
        colour = alt.Color(
            "what:N",
            scale=alt.Scale(domain=["scored", "selected"], range=["var(--faint)", "var(--student)"]),
            legend=alt.Legend(title=None, orient="top"),
        )
        return (
            alt.Chart(alt.Data(values=rows))
            .mark_bar(binSpacing=1)
            .encode(
                x=alt.X("left:Q", bin="binned", title="difficulty", axis=alt.Axis(grid=False, tickCount=8)),
                x2="right:Q",
                y=alt.Y("examples:Q", title="examples", stack=None, axis=alt.Axis(format=",d", tickMinStep=1)),
                color=colour,
            )
            .properties(width=width - 70, height=240 if width == WIDE else 200)
        )

    return drawn(draw)


def loss_chart(curves: tuple[TrainingCurve, ...]) -> Chart | None:
    """One panel per training: loss over steps, and the learning rate below it. None if no loss is finite."""
    points = {curve.model: _thinned(curve) for curve in curves}
    losses = [row["loss"] for rows in points.values() for row in rows]
    if not losses:
        return None
    wide_range = min(losses) > 0 and max(losses) / min(losses) > 10
    scale = alt.Scale(type="log" if wide_range else "linear", domain=[0.9 * min(losses), 1.1 * max(losses)], nice=False)
    title = "loss (log scale)" if wide_range else "loss"
    y = alt.Y("loss:Q", scale=scale, title=title, axis=_loss_axis(losses, wide_range))

    def draw(width: int) -> alt.ConcatChart:
        columns = min(len(curves), 3) if width == WIDE else 1
        panel = (width - 30) // columns - 62
        panels = [_panel(curve, points[curve.model], y, panel) for curve in curves if points[curve.model]]
        return alt.concat(*panels, columns=columns, spacing=24)

    return drawn(draw)


def _loss_axis(losses: list[float], logarithmic: bool) -> alt.Axis:
    """On a log scale, labels at 1, 2 and 5 of each power of ten."""
    if not logarithmic:
        return alt.Axis(tickCount=5, format="~g")
    powers = range(math.floor(math.log10(min(losses))), math.ceil(math.log10(max(losses))) + 1)
    return alt.Axis(values=[digit * 10.0**power for power in powers for digit in (1, 2, 5)], format="~g")


def _panel(curve: TrainingCurve, rows: list[dict[str, float]], y: alt.Y, width: int) -> alt.VConcatChart:
    steps = alt.X("step:Q", title=None, scale=alt.Scale(nice=False))
    numbered = alt.Axis(format=",d", tickCount=3, grid=False)
    base = alt.Chart(alt.Data(values=rows))
    (heading,) = fitted([curve.model], width)
    loss = base.mark_line(color=COLOURS[curve.role], strokeWidth=2).encode(
        x=steps.axis(numbered if not curve.lr else alt.Axis(labels=False, tickCount=3, grid=False)), y=y
    )
    loss = loss.properties(width=width, height=170, title=alt.TitleParams(heading, anchor="start"))
    if not curve.lr:
        return alt.vconcat(loss)
    axis = alt.Axis(format="~e", tickCount=2)
    rate = base.mark_line(color="var(--muted)", strokeWidth=1.5)
    rate = rate.encode(x=steps.axis(numbered), y=alt.Y("lr:Q", title="rate", axis=axis))
    return alt.vconcat(loss, rate.properties(width=width, height=46), spacing=12)


def _thinned(curve: TrainingCurve) -> list[dict[str, float]]:
    """The finite points, neighbours averaged so that at most `_MOST_POINTS` remain."""
    rates = curve.lr or (0.0,) * len(curve.steps)
    finite = [row for row in zip(curve.steps, curve.loss, rates, strict=True) if math.isfinite(row[1])]
    size = -(-len(finite) // _MOST_POINTS) or 1
    groups = [finite[start : start + size] for start in range(0, len(finite), size)]
    means = ([sum(column) / len(group) for column in zip(*group, strict=True)] for group in groups)
    return [dict(zip(("step", "loss", "lr"), mean, strict=True)) for mean in means]


def scorecard_chart(card: Scorecard) -> Chart:
    """Bars with interval whiskers, one panel per task, models in the order of the card."""
    # A correlation may be below zero.
    least = min(0.0, *(cell.low for model in card.models for cell in model.scores.values()))

    def draw(width: int) -> alt.FacetChart:
        columns = min(len(card.tasks), 3) if width == WIDE else 1
        column = 170 if width == WIDE else 120
        panel = (width - column - 22 * columns) // columns
        rows = _score_rows(card, fitted([model.name for model in card.models], column), fitted(card.tasks, panel))
        x = alt.X("score:Q", title=None, scale=alt.Scale(domain=[least, 118], nice=False))
        x = x.axis(values=[0, 25, 50, 75, 100], domain=False, ticks=False)
        y = alt.Y("model:N", sort=_BY_PLACE, title=None, axis=_names_axis(column))
        roles = alt.Scale(domain=[*COLOURS], range=[*COLOURS.values()])
        base = alt.Chart().encode(y=y)
        bars = base.mark_bar(height=16).encode(x=x, color=alt.Color("role:N", scale=roles, legend=None))
        halo = base.mark_rule(strokeWidth=5, color="var(--paper)", opacity=0.6).encode(x="low:Q", x2="high:Q")
        ends = base.mark_rule(strokeWidth=1.5, color="var(--ink)").encode(x="low:Q", x2="high:Q")
        cap = base.mark_tick(size=8, thickness=1.5, color="var(--ink)")
        text = base.mark_text(align="left", dx=6).encode(x="high:Q", text="text:N")
        layers = alt.layer(bars, halo, ends, cap.encode(x="low:Q"), cap.encode(x="high:Q"), text)
        order = alt.EncodingSortField("column", op="min")
        facet = alt.Facet("task:N", sort=order, title=None, header=alt.Header(title=None, labelAnchor="start"))
        layers = layers.properties(width=panel, height=alt.Step(26))
        return layers.facet(facet=facet, columns=columns, spacing=22, data=alt.Data(values=rows))

    return drawn(draw)


def task_chart(rows: tuple[TaskRow, ...]) -> Chart:
    """One bar a task with its interval, in the order of the rows."""
    least = min(0.0, *(row.low for row in rows))

    def draw(width: int) -> alt.LayerChart:
        column = 190 if width == WIDE else 130
        names = fitted([row.task for row in rows], column)
        values = [
            {
                "task": name,
                "place": place,
                "score": row.score,
                "low": row.low,
                "high": row.high,
                "text": f"{row.score:.1f}",
            }
            for place, (name, row) in enumerate(zip(names, rows, strict=True))
        ]
        x = alt.X("score:Q", title=None, scale=alt.Scale(domain=[least, 112], nice=False))
        x = x.axis(values=[0, 25, 50, 75, 100], domain=False, ticks=False)
        base = alt.Chart(alt.Data(values=values)).encode(
            y=alt.Y("task:N", sort=_BY_PLACE, title=None, axis=_names_axis(column))
        )
        bars = base.mark_bar(height=16, color="var(--student)").encode(x=x)
        ends = base.mark_rule(strokeWidth=1.5, color="var(--ink)").encode(x="low:Q", x2="high:Q")
        text = base.mark_text(align="left", dx=6).encode(x="high:Q", text="text:N")
        return alt.layer(bars, ends, text).properties(width=width - column - 20, height=alt.Step(28))

    return drawn(draw)


def _score_rows(card: Scorecard, models: list[str], tasks: list[str]) -> list[dict[str, str | float]]:
    """One row per score, under the names that are shown."""
    return [
        {
            "task": shown_task,
            "column": column,
            "model": shown_model,
            "place": place,
            "role": model.role,
            "score": cell.score,
            "low": cell.low,
            "high": cell.high,
            "text": f"{cell.score:.1f}",
        }
        for column, (task, shown_task) in enumerate(zip(card.tasks, tasks, strict=True))
        for place, (model, shown_model) in enumerate(zip(card.models, models, strict=True))
        if (cell := model.scores.get(task))
    ]


def _names_axis(width: int) -> alt.Axis:
    """Names in a column of `width` pixels, flush left with the page's text."""
    return alt.Axis(labelAlign="left", labelPadding=width, labelLimit=0, domain=False, ticks=False)

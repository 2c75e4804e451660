"""Data efficiency: the score against the share of the data that a student saw, one line for each way of choosing it."""

from typing import Any

import altair as alt

from fsa_ray.reporting.ablation import AblationContents, Line
from fsa_ray.reporting.drawing import COLOURS, WIDE, Chart, drawn
from fsa_ray.reporting.labels import fitted

_LINES = [f"var(--series-{number})" for number in range(1, 6)]
_SHAPES = ["circle", "square", "triangle-up", "diamond", "cross"]
_APART = 1.025
"""Factor between neighbours at one share, so that their intervals do not hide each other."""


def efficiency_chart(contents: AblationContents, task: str) -> Chart:
    """One task. Students with their intervals over a logarithmic share; teacher and controls as level lines."""
    lines = [line for line in contents.lines() if any(task in row.scores for row in line.rows)]
    controls = [control for control in contents.controls if task in control.scores]

    def draw(width: int) -> alt.LayerChart:
        room = 230 if width == WIDE else width - 60
        names = fitted([*(line.name for line in lines), *(control.name for control in controls)], room)
        points = [row for place, line in enumerate(lines) for row in _points(line, names[place], task, place)]
        levels = [
            {"what": name, "score": control.scores[task].score}
            for name, control in zip(names[len(lines) :], controls, strict=True)
        ]
        look = _Look(names, [COLOURS[control.role] for control in controls], width)
        shares = sorted({row.share for line in lines for row in line.rows if row.share is not None})
        x = alt.X(
            "share:Q",
            title="share of the data (log scale)",
            scale=alt.Scale(type="log", domain=[shares[0] / 1.15, shares[-1] * 1.15], nice=False),
            axis=alt.Axis(values=shares, format="~%", grid=False),
        )
        y = alt.Y("score:Q", title=contents.metric(task), scale=_scale(points, levels))
        rules = alt.Chart(alt.Data(values=levels)).mark_rule(strokeWidth=1.5, strokeDash=[5, 4])
        base = alt.Chart(alt.Data(values=points)).encode(x=x)
        layers = [
            rules.encode(y=y, color=look.colour),
            base.mark_rule(strokeWidth=1.5).encode(y=alt.Y("low:Q"), y2="high:Q", color=look.colour),
            base.mark_line(strokeWidth=2).encode(y=y, color=look.colour),
            base.mark_point(size=60, filled=True, opacity=1).encode(y=y, color=look.colour, shape=look.shape),
        ]
        return alt.layer(*layers).properties(width=width - 70, height=320 if width == WIDE else 260)

    return drawn(draw)


class _Look:
    """Colours, shapes and the legend that both have in common: lines first, then controls."""

    def __init__(self, names: list[str], controls: list[str], width: int) -> None:
        count = len(names) - len(controls)
        colours = [_LINES[place % len(_LINES)] for place in range(count)] + controls
        shapes = [_SHAPES[place % len(_SHAPES)] for place in range(count)] + ["stroke"] * len(controls)
        columns = 3 if width == WIDE else 1
        # Readers may have wider letters than those that this was measured with.
        legend = alt.Legend(title=None, orient="top", columns=columns, columnPadding=32, labelLimit=0)
        self.colour = alt.Color("what:N", scale=alt.Scale(domain=names, range=colours), legend=legend)
        self.shape = alt.Shape("what:N", scale=alt.Scale(domain=names, range=shapes), legend=legend)


def _points(line: Line, name: str, task: str, place: int) -> list[dict[str, Any]]:
    """A student that is on several lines stays in the middle of its share."""
    return [
        {
            "what": name,
            "share": row.share * (1 if None in row.choices else _APART**place),
            "score": row.scores[task].score,
            "low": row.scores[task].low,
            "high": row.scores[task].high,
        }
        for row in line.rows
        if row.share is not None and task in row.scores
    ]


def _scale(points: list[dict[str, Any]], levels: list[dict[str, Any]]) -> alt.Scale:
    """All that is drawn, with a little room; scores end at 100, and begin at 0 unless one is below."""
    ends = [point[key] for point in points for key in ("low", "high")] + [level["score"] for level in levels]
    least = min(0.0, *(point["score"] for point in points))
    return alt.Scale(domain=[max(least, min(ends) - 3), min(100.0, max(ends) + 3)], nice=False, clamp=True)

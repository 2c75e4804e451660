"""How charts become part of a page: Vega-Lite drawn to SVG text here, so that the page needs no script and no network.

Colours are names of CSS variables, which the page sets for light and dark. Each chart comes twice, for a wide page
and for a phone, since text in a scaled drawing would be too small to read.
"""

import re
from collections.abc import Callable
from typing import Any, NamedTuple

import vl_convert
from markupsafe import Markup

from fsa_ray.reporting.contents import Role
from fsa_ray.reporting.visible import visible

WIDE, NARROW = 860, 340  # pixels of a whole chart
COLOURS: dict[Role, str] = {
    "teacher": "var(--teacher)",
    "student": "var(--student)",
    "gold_only": "var(--gold)",
    "majority": "var(--majority)",
    "other": "var(--other)",
}
_FONT = "sans-serif"  # for measuring; the page sets its own
_ELEMENTS = {"svg", "g", "path", "rect", "line", "text", "tspan", "defs"}


class Chart(NamedTuple):
    wide: Markup
    narrow: Markup


def drawn(draw: Callable[[int], Any]) -> Chart:
    """`draw` makes an altair chart of a given width."""
    return Chart(*(_svg(_dressed(draw(width))) for width in (WIDE, NARROW)))


def _dressed(chart: Any) -> Any:
    """The look that all charts share."""
    text = {"labelFont": _FONT, "titleFont": _FONT, "labelColor": "var(--ink)", "titleColor": "var(--muted)"}
    axis = text | {"labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal", "gridColor": "var(--line)"}
    return (
        chart.configure(background="transparent", aria=False, padding={"left": 4, "right": 4, "top": 4, "bottom": 4})
        .configure_view(stroke=None)
        .configure_axis(**axis, domainColor="var(--line)", tickColor="var(--line)")
        .configure_header(**text, labelFontSize=13, labelFontWeight="bold")
        .configure_legend(**text, labelFontSize=12, symbolType="square")
        .configure_title(font=_FONT, fontSize=13, color="var(--ink)")
        .configure_text(font=_FONT, fontSize=12, color="var(--ink)")
    )


def _svg(chart: Any) -> Markup:
    # Altair checked the parts when they were made; checking the whole again takes most of a report's time.
    drawing: str = vl_convert.vegalite_to_svg(chart.to_json(validate=False), allowed_base_urls=[])
    # Names from a spec are in the drawing. Vega escapes them; were that to fail, no page is better than such a page.
    assert {*re.findall(r"<([A-Za-z!?][\w:-]*)", drawing)} <= _ELEMENTS, "a chart holds an element that no chart needs"
    return Markup(visible(drawing))  # noqa: S704

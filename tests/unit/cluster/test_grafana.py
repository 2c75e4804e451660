"""The dashboard that comes with the project: it shows the metrics that a run exports, all of them and no others."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fsa_ray.engine.metrics import METRICS

DASHBOARD: dict[str, Any] = json.loads(
    (Path(__file__).parents[3] / "cluster" / "grafana" / "fsa-ray.json").read_text(encoding="utf-8")
)
PANELS: list[dict[str, Any]] = DASHBOARD["panels"]
EXPORTED = {f"ray_{metric.name}": metric for metric in METRICS}
TITLES = [panel["title"] for panel in PANELS]


def expressions(panel: dict[str, Any]) -> Iterator[str]:
    yield from (target["expr"] for target in panel["targets"])


def named(text: str) -> set[str]:
    return set(re.findall(r"\bray_\w+", text))


def test_panels_have_ids_and_titles_of_their_own_and_do_not_overlap() -> None:
    assert len({panel["id"] for panel in PANELS}) == len(PANELS) == len(set(TITLES))
    cells = [
        (column, row)
        for place in (panel["gridPos"] for panel in PANELS)
        for column in range(place["x"], place["x"] + place["w"])
        for row in range(place["y"], place["y"] + place["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(column for column, _ in cells) < 24


@pytest.mark.parametrize("panel", PANELS, ids=TITLES)
def test_an_expression_names_what_is_exported(panel: dict[str, Any]) -> None:
    for expression in expressions(panel):
        assert named(expression) and named(expression) <= EXPORTED.keys()
        assert expression.count("(") == expression.count(")")
        for name in named(expression):
            selected = rf'{name}{{run=~"\$run",stage=~"\$stage"}}'
            assert re.search(selected, expression), "the choice of run and stage holds"
            assert bool(re.search(rf"rate\({selected}\[", expression)) == EXPORTED[name].counts
    references = [target["refId"] for target in panel["targets"]]
    assert len(references) == len(set(references))


def test_every_metric_has_a_panel() -> None:
    shown = {name for panel in PANELS for expression in expressions(panel) for name in named(expression)}
    assert shown == EXPORTED.keys()


def test_labels_are_those_of_the_metrics() -> None:
    tags = {tag for metric in METRICS for tag in metric.tags}
    for panel in PANELS:
        for target in panel["targets"]:
            grouped = re.findall(r"by \(([^)]*)\)", target["expr"])
            assert {label for labels in grouped for label in labels.split(", ")} <= tags
            assert set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) <= tags


def test_the_choices_are_made_from_what_is_exported() -> None:
    variables = {variable["name"]: variable for variable in DASHBOARD["templating"]["list"]}
    assert set(variables) == {"datasource", "run", "stage"}
    for name in ("run", "stage"):
        assert named(variables[name]["definition"]) <= EXPORTED.keys()
    assert {panel["datasource"]["uid"] for panel in PANELS} == {"${datasource}"}

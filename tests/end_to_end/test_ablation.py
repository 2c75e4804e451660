"""A small grid on top of a run that is done: only its students are made, and one table comes out."""

from pathlib import Path

import pytest
import yaml

from tests.end_to_end.conftest import SPEC, Cli, document

pytestmark = [pytest.mark.slow, pytest.mark.engine, pytest.mark.timeout(1800)]

SAMPLERS = {"random": {"select.mode": "random"}, "ranking score": {"select.mode": "soft"}}


@pytest.fixture(scope="module")
def grid(smoke: Path, cli: Cli, house: Path) -> Path:
    spec = {
        **yaml.safe_load(SPEC.read_text()),
        "name": "grid",
        "grid": {"select.rate": [0.4, 1.0], "sampler": SAMPLERS, "trial": [0, 1]},
    }
    (house / "grid.yaml").write_text(yaml.safe_dump(spec, sort_keys=False))
    done = cli("run", "grid.yaml", "--placement", "placement.yaml")
    assert done.returncode == 0, done.stderr[-4000:]
    begun = {line.split()[1] for line in done.stderr.splitlines() if line.startswith("▸")}
    made = {"select", "pack", "student", "annotate", "evaluate"}
    assert {label.partition("-")[0] for label in begun} <= made
    assert sum(label.startswith("student-") for label in begun) == 6
    assert "random" in done.stdout and "majority" in done.stdout
    return smoke


def test_rows_are_students_and_controls_are_there_once(grid: Path, cli: Cli) -> None:
    found = document(cli("report", "grid", "--json"))
    rows = {tuple(row["choices"]): row for row in found["rows"]}
    assert set(rows) == {("0.4", "random"), ("0.4", "ranking score"), ("1.0", None)}
    assert found["students"] == 6
    for row in rows.values():
        for cell in row["scores"].values():
            assert len(cell["runs"]) == 2 and cell["low"] <= cell["score"] <= cell["high"]
    whole = rows["1.0", None]
    assert rows["0.4", "random"]["examples"] == pytest.approx(0.4 * whole["examples"], abs=2)
    assert len({row["examples"] for row in rows.values()}) == 2
    assert [control["role"] for control in found["controls"]] == ["teacher", "gold_only", "majority"]
    page = Path(found["report"]).read_text(encoding="utf-8")
    assert page.count('<div class="wide"') == 2 and "<script" not in page


def test_trials_differ(grid: Path, cli: Cli) -> None:
    stages = {stage["label"]: stage for stage in document(cli("show", "grid", "--json"))["stages"]}
    for made in ("select-random", "student-rate1.0"):
        first, second = (
            document(cli("show", "grid", f"{made}-trial{trial}", "--json"))["record"]["artifact"] for trial in (0, 1)
        )
        assert first != second
    assert stages["teach"]["state"] == "done"


def test_everything_adds_up_and_a_second_run_reuses_all(grid: Path, cli: Cli) -> None:
    assert document(cli("verify", "grid", "--json"))["passed"]
    assert {stage["action"] for stage in document(cli("plan", "grid.yaml", "--json"))["stages"]} == {"reuse"}
    done = cli("run", "grid.yaml", "--placement", "placement.yaml")
    assert done.returncode == 0 and "runs:" not in done.stderr

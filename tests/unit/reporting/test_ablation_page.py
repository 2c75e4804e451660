"""The page and the table of a grid, with made-up scores."""

from datetime import UTC, datetime

import pytest
from rich.console import Console

from fsa_ray.reporting.ablation import AblationContents, ControlRow, MeanScore, StudentRow
from fsa_ray.reporting.contents import Fact, LedgerEntry, Role
from fsa_ray.reporting.efficiency import efficiency_chart
from fsa_ray.reporting.html import render_ablation
from fsa_ray.reporting.terminal import ablation_table

SHARES = (0.05, 0.1, 0.2, 0.5)
SAMPLERS = ("random", "ranking score", "perplexity")
TASKS = ("polarity", "aspects")
CONTROLS: tuple[tuple[str, Role, float], ...] = (("teacher", "teacher", 84.0), ("majority answer", "majority", 17.0))


def mean_score(value: float, spread: float | None = 1.5) -> MeanScore:
    runs = (value,) if spread is None else (value - spread, value, value + spread)
    reach = 4.0 if spread is None else 2.5 * spread
    return MeanScore(
        score=value, low=value - reach, high=value + reach, n=500, metric="macro_f1", std=spread, runs=runs
    )


def row(choices: tuple[str | None, ...], share: float | None, value: float) -> StudentRow:
    scores = {"polarity": mean_score(value), "aspects": mean_score(value / 2)}
    examples = round(2000 * (share or 1))
    return StudentRow(choices=choices, share=share, examples=examples, tokens=60 * examples, scores=scores)


def contents(name: str = "ablation") -> AblationContents:
    rows = [
        row((str(share), sampler), share, 50 + 20 * share**0.5 + 3 * place)
        for share in SHARES
        for place, sampler in enumerate(SAMPLERS)
    ]
    rows.append(row(("1.0", None), 1.0, 77.0))
    return AblationContents(
        name=name,
        created=datetime(2026, 11, 22, 9, 41, tzinfo=UTC),
        axes=("select.rate", "sampler"),
        share_axis="select.rate",
        tasks=TASKS,
        students=39,
        rows=tuple(rows),
        controls=tuple(
            ControlRow(name=who, role=role, scores=dict.fromkeys(TASKS, mean_score(value, None)))
            for who, role, value in CONTROLS
        ),
        interval="95 % t-intervals",
        notes=("The reviews are invented.",),
        spec=(Fact(label="train", value=name),),
        ledger=(LedgerEntry(stage="student × 39", seconds=2400),),
    )


def without_share() -> AblationContents:
    whole = contents()
    rows = tuple(row((sampler,), None, 60.0 + place) for place, sampler in enumerate(SAMPLERS))
    return whole.model_copy(update={"axes": ("sampler",), "rows": rows})


def test_a_student_that_any_choice_makes_is_on_every_line() -> None:
    lines = contents().lines()
    assert [line.name for line in lines] == list(SAMPLERS)
    assert all([one.share for one in line.rows] == [*SHARES, 1.0] for line in lines)
    assert all(line.rows[-1] == contents().rows[-1] for line in lines)
    assert without_share().lines() == ()


def test_without_other_axes_there_is_one_line() -> None:
    rows = tuple(row((str(share),), share, 50.0) for share in SHARES)
    (line,) = contents().model_copy(update={"axes": ("select.rate",), "rows": rows}).lines()
    assert (line.name, len(line.rows)) == ("student", 4)


def test_the_plot_draws_lines_intervals_and_controls() -> None:
    for drawing in efficiency_chart(contents(), "polarity"):
        for words in (*SAMPLERS, "teacher", "majority answer", "5%", "100%", "macro_f1"):
            assert f">{words}</text>" in drawing
        assert all(f"var(--series-{number})" in drawing for number in (1, 2, 3))
        assert "var(--teacher)" in drawing and "NaN" not in drawing


def test_the_page_holds_the_table_and_a_plot_for_each_task() -> None:
    page = render_ablation(contents())
    assert page.count('<div class="wide"') == 2
    for shown in ("39 students that differ in select.rate, sampler.", "<b>77.0</b> ± 1.5", "73.2 – 80.8", "any",
                  "120,000", "student × 39", "The reviews are invented.", "<b>84.0</b><small>80.0 – 88.0"):  # fmt: skip
        assert shown in page
    assert "<script" not in page


def test_where_the_share_does_not_vary_bars_are_drawn() -> None:
    page = render_ablation(without_share())
    assert page.count('<div class="wide"') == 1
    assert ">ranking score</text>" in page


def test_names_that_are_equal_or_missing_make_no_trouble() -> None:
    rows = (row(("teacher",), None, 60.0), row(("random",), None, 61.0))
    page = render_ablation(without_share().model_copy(update={"rows": rows}))
    assert ">teacher (1)</text>" in page and ">teacher (2)</text>" in page
    alone = without_share().model_copy(update={"axes": (), "rows": (row((), None, 60.0),)})
    assert ">student</text>" in render_ablation(alone)


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "{{ 7 * 7 }}", "</style><img src=x onerror=alert(1)>"])
def test_hostile_text_stays_text(text: str) -> None:
    page = render_ablation(contents(text))
    assert "<script" not in page and "<img" not in page
    assert page.count("</style>") == 1


@pytest.mark.parametrize("width", [80, 120])
def test_the_table_has_means_intervals_and_sizes(width: int) -> None:
    console = Console(width=width, force_terminal=False, color_system=None)
    with console.capture() as capture:
        console.print(ablation_table(contents()))
    lines = capture.get().splitlines()
    at = next(place for place, line in enumerate(lines) if "1.0 " in line and "2,000" in line)
    assert "77.0 ± 1.5" in lines[at] and "any" in lines[at] and "120,000" in lines[at]
    assert "73.2 – 80.8" in lines[at + 1]
    at = next(place for place, line in enumerate(lines) if "teacher" in line)
    assert "84.0" in lines[at] and "80.0 – 88.0" in lines[at + 1] and " 1 " in lines[at]
    assert "…" not in capture.get()

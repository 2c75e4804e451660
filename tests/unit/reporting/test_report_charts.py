"""Charts: all that is asked for is drawn, and odd numbers do not break them."""

from fsa_ray.reporting.charts import difficulty_chart, funnel_chart, loss_chart, scorecard_chart
from fsa_ray.reporting.contents import Contents, FunnelStep, Score, Scorecard, ScoredModel, TrainingCurve


def test_the_scorecard_draws_each_score(contents: Contents) -> None:
    for drawing in scorecard_chart(contents.scorecard):
        for words in ("polarity", "ATSA", "Teacher", "Majority", "85.0", "67.0", "20.0"):
            assert f">{words}</text>" in drawing
        assert "var(--student)" in drawing


def test_a_score_below_zero_fits() -> None:
    cell = Score(score=-12.5, low=-20, high=-3, n=10, metric="correlation")
    card = Scorecard(tasks=("intimacy",), models=(ScoredModel(name="m", role="other", scores={"intimacy": cell}),))
    assert ">-12.5</text>" in scorecard_chart(card).wide


def test_the_funnel_keeps_stages_with_equal_labels_apart() -> None:
    steps = (
        FunnelStep(label="filter", rows_in=9, kept=5, rejected={"a": 4}),
        FunnelStep(label="filter", rows_in=5, kept=5),
    )
    drawing = funnel_chart(steps).wide
    assert ">1. filter</text>" in drawing
    assert ">2. filter</text>" in drawing
    assert ">5 kept, 4 rejected</text>" in drawing


def test_a_funnel_without_rows_is_drawn() -> None:
    assert ">0 kept</text>" in funnel_chart((FunnelStep(label="ingest", rows_in=0, kept=0),)).wide


def test_difficulty_has_both_series(contents: Contents) -> None:
    assert contents.difficulty is not None
    drawing = difficulty_chart(contents.difficulty).wide
    assert ">scored</text>" in drawing
    assert ">selected</text>" in drawing


def test_no_drawing_holds_nan(contents: Contents) -> None:
    chart = loss_chart(contents.curves)
    assert chart is not None
    assert "NaN" not in chart.wide
    assert ">Student</text>" in chart.wide
    assert ">Gold only</text>" in chart.wide


def test_curves_without_a_finite_loss_give_no_chart() -> None:
    assert loss_chart((TrainingCurve(model="m", steps=(1,), loss=(float("inf"),)),)) is None
    assert loss_chart(()) is None


def test_a_flat_and_a_long_curve_are_drawn_small() -> None:
    flat = TrainingCurve(model="flat", steps=(1, 2), loss=(0.0, 0.0))
    long = TrainingCurve(model="long", steps=tuple(range(50_000)), loss=(1.0,) * 50_000)
    chart = loss_chart((flat, long))
    assert chart is not None
    assert len(chart.wide) < 60_000

import pytest

from fsa_ray.reporting.amounts import duration, money, percent, points, size


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0"),
        (999, "999"),
        (1_000, "1.00k"),
        (999_600, "1.00M"),
        (12_345, "12.3k"),
        (2_310_000, "2.31M"),
        (7e9, "7.00B"),
    ],
)
def test_size(value: float, shown: str) -> None:
    assert size(value) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.04, "0.0 s"), (9.96, "10 s"), (59.7, "1 min 00 s"), (128.4, "2 min 08 s"), (7260, "2 h 01 min")],
)
def test_duration(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


def test_percent_money_points() -> None:
    assert [percent(share) for share in (0, 0.0123, 0.096, 0.999, 1.08)] == ["0 %", "1.2 %", "9.6 %", "100 %", "108 %"]
    assert [money(value, "EUR") for value in (0, 0.0123, 1234.5)] == ["0.00 EUR", "0.0123 EUR", "1,234.50 EUR"]
    assert [points(value) for value in (1.25, -3.04)] == ["+1.2", "−3.0"]

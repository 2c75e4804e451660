"""Numbers as people read them."""

_SIZES = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k"))


def count(value: int) -> str:
    return f"{value:,}"


def size(value: float) -> str:
    """Three digits and a letter: 1234567 is 1.23M."""
    for unit, letter in _SIZES:
        if value >= 0.9995 * unit:
            scaled = value / unit
            digits = 2 if scaled < 9.995 else 1 if scaled < 99.95 else 0
            return f"{scaled:.{digits}f}{letter}"
    return f"{value:.0f}"


def percent(share: float) -> str:
    """A share of one, with a digit after the point below ten per cent."""
    value = 100 * share
    return f"{value:.1f} %" if 0 < value < 9.95 else f"{value:.0f} %"


def duration(seconds: float) -> str:
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    total = round(seconds)
    if total < 60:
        return f"{total} s"
    if total < 3600:
        return f"{total // 60} min {total % 60:02d} s"
    return f"{total // 3600} h {total % 3600 // 60:02d} min"


def money(value: float, currency: str) -> str:
    return f"{value:,.2f} {currency}" if value >= 0.995 or value == 0 else f"{value:.4f} {currency}"


def points(value: float) -> str:
    """A difference of scores, with a true minus sign."""
    return f"{'+' if value >= 0 else '−'}{abs(value):.1f}"

"""What came out of the work that was done: the rest was lost with machines and done again."""


def goodput(came_out: float, redone: float) -> float:
    """Share of the work, in rows or steps, that came out: 0 to 1; 1 where there was none."""
    return came_out / (came_out + redone) if came_out else 1.0

"""What runs of several sizes say of how a stage grows, and what that comes to at a hundred million rows."""

import math
from typing import Any

from made_rows import ROWS_PER_FILE

MODELLED_ROWS = 100_000_000
DRIVER_GIB = 16.0


def modelled(runs: list[dict[str, Any]], least: int = 2 * ROWS_PER_FILE) -> dict[str, Any]:
    """Growth between the smallest and the largest size that ran, and what it comes to at MODELLED_ROWS.

    Time is the processor's, all threads of the process together, since a busy machine stretches the clock's. Memory is
    taken as a straight line: the slope between the two largest sizes, at least 0. Sizes below `least` say nothing of
    it, since a stage holds up to a file's rows before it writes them.
    """
    done = [run for run in runs if "seconds" in run and run["rows"] >= least]
    if len(done) < 2:
        return {}
    small, large = done[-2], done[-1]
    decades = math.log(done[-1]["rows"] / done[0]["rows"])
    time_exponent = math.log(done[-1]["cpu_seconds"] / done[0]["cpu_seconds"]) / decades
    last = math.log(large["rows"] / small["rows"])
    late_exponent = math.log(large["cpu_seconds"] / small["cpu_seconds"]) / last
    memory_exponent = math.log(max(large["peak_mib"], 0.1) / max(done[0]["peak_mib"], 0.1)) / decades
    slope = max(0.0, (large["peak_mib"] - small["peak_mib"]) * 2**20 / (large["rows"] - small["rows"]))
    times = MODELLED_ROWS / large["rows"]
    at_most = (DRIVER_GIB * 2**30 - large["peak_mib"] * 2**20) / slope + large["rows"] if slope else math.inf
    peak = (large["peak_mib"] * 2**20 + slope * (MODELLED_ROWS - large["rows"])) / 2**30
    return {
        "time_exponent": round(time_exponent, 2),
        "time_exponent_of_last_step": round(late_exponent, 2),
        "memory_exponent": round(memory_exponent, 2),
        "bytes_per_row": round(slope),
        "modelled_cpu_hours": round(large["cpu_seconds"] * times ** max(1.0, late_exponent) / 3600, 2),
        "modelled_peak_gib": round(peak, 1),
        "fits_driver": peak <= DRIVER_GIB,
        "rows_that_fit_driver": None if math.isinf(at_most) else round(at_most, -5),
    }

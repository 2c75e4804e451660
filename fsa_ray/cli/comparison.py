"""`fsa-ray compare`: two evaluations side by side."""

from rich.table import Table

from fsa_ray.stages.suite_comparison import Compared


def comparison_table(found: Compared) -> Table:
    table = Table(title=f"{found.first} minus {found.second}", title_justify="left")
    table.add_column("task", no_wrap=True)
    for heading in (found.first, found.second, "difference", "95 % interval", "p", "p (Holm)"):
        table.add_column(heading, justify="right")
    for one in found.tasks:
        mark = " *" if one.p_holm < 0.05 else ""
        interval = f"{one.low:+.2f} to {one.high:+.2f}"
        numbers = (f"{one.first:.2f}", f"{one.second:.2f}", f"{one.difference:+.2f}{mark}", interval)
        table.add_row(one.task, *numbers, _chance(one.p), _chance(one.p_holm))
    if (mean := found.mean) is not None:
        table.add_section()
        interval = f"{mean.low:+.2f} to {mean.high:+.2f}"
        numbers = (f"{mean.first:.2f}", f"{mean.second:.2f}", f"{mean.difference:+.2f}", interval)
        table.add_row("mean", *numbers, "", "", style="bold")
    else:
        table.caption = "No mean: the two were not measured on the same tasks."
    return table


def _chance(p: float) -> str:
    """A p-value, none of which is nothing."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"

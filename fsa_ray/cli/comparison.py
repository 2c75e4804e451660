"""`fsa-ray compare`: two evaluations side by side."""

from rich.table import Table

from fsa_ray.cli.lookup import evaluation_called
from fsa_ray.evaluation.comparison import Comparison, compare
from fsa_ray.evaluation.tasks import load_task
from fsa_ray.stages.suite import outcomes_of
from fsa_ray.storage.folder import Folder


def compare_evaluations(root: Folder, first: str, second: str) -> list[Comparison]:
    """Task by task, over the items that both answered; Holm's correction over the tasks that both have."""
    left, right = evaluation_called(root, first), evaluation_called(root, second)
    if left.asked.protocol != right.asked.protocol:
        raise ValueError(
            f"{first} was scored under {left.asked.protocol}, {second} under {right.asked.protocol}: not comparable"
        )
    shared = [name for name in left.scores if name in right.scores and "/" not in name]
    if not shared:
        raise ValueError(f"{first} and {second} share no task")
    sides = [outcomes_of(root, side) for side in (left, right)]
    return compare({name: (load_task(left.tasks[name]), sides[0][name], sides[1][name]) for name in shared})


def comparison_table(first: str, second: str, found: list[Comparison]) -> Table:
    table = Table(title=f"{first} minus {second}", title_justify="left")
    table.add_column("task", no_wrap=True)
    for heading in (first, second, "difference", "95 % interval", "p", "p (Holm)"):
        table.add_column(heading, justify="right")
    for one in found:
        mark = " *" if one.p_holm < 0.05 else ""
        interval = f"{one.low:+.2f} to {one.high:+.2f}"
        numbers = (f"{one.first:.2f}", f"{one.second:.2f}", f"{one.difference:+.2f}{mark}", interval)
        table.add_row(one.task, *numbers, f"{one.p:.3f}", f"{one.p_holm:.3f}")
    return table

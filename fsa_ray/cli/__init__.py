"""The command line. Each command imports what it needs when it runs, so that `--help` is quick."""

import typer

from fsa_ray.cli import house, look, run, student, watch
from fsa_ray.cli.exits import guarded

app = typer.Typer(
    name="fsa-ray",
    help="Distil a large model's understanding of user reviews into a small model that you own.\n\n"
    "Exit codes: 0 done, 1 failed, 2 your mistake, 3 somebody else is at it, 130 interrupted.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for room in (run, look, student, house, watch):
    for command in room.COMMANDS:
        app.command()(guarded(command))


def main() -> None:
    app()

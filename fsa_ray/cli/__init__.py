"""The command line. Each command imports what it needs when it runs, so that `--help` is quick."""

import sys
from typing import NoReturn

import typer

from fsa_ray.cli import house, look, run, student
from fsa_ray.cli.exits import Exit, explained

app = typer.Typer(
    name="fsa-ray",
    help="Distil a large model's understanding of user reviews into a small model that you own.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for commands in (run, look, student, house):
    commands.register(app)


def main() -> NoReturn:
    """Entry point. Exit codes: 0 done, 1 failed, 2 your mistake, 3 somebody else is at it, 130 after Ctrl-C."""
    try:
        result = app(standalone_mode=False)
        code = result if isinstance(result, int) else Exit.DONE
    except BaseException as error:
        code = explained(error)
    sys.stdout.flush()
    raise SystemExit(int(code))

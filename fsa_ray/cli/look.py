"""show, verify, report: look at what is stored."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from fsa_ray.cli.arguments import DEFAULT_ROOT, Json, PlacementFile, Root, RunName

if TYPE_CHECKING:
    from fsa_ray.storage.folder import Folder


def show(
    name: Annotated[str | None, typer.Argument(help="Name of a run; none lists them.", metavar="NAME")] = None,
    stage: Annotated[str | None, typer.Argument(help="Show the record of this stage.", metavar="STAGE")] = None,
    root: Root = DEFAULT_ROOT,
    follow: Annotated[
        bool,
        typer.Option(
            "--follow",
            help="Look on until the run ends, from any machine; with --json, a document a line at each change.",
        ),
    ] = False,
    json_: Json = False,
) -> int:
    """Status, records and measures of a run."""
    from fsa_ray.cli.console import print_json, stdout
    from fsa_ray.cli.exits import Exit
    from fsa_ray.cli.lookup import run_called
    from fsa_ray.cli.status import runs_of, stage_status, status_of, status_table
    from fsa_ray.storage.folder import Folder

    folder = Folder(root)
    if follow:
        return _follow(folder, name, stage, json_=json_)
    if name is None:
        found: Any = {"runs": runs_of(folder)}
        text: Any = "\n".join(found["runs"]) or f"nothing has run under {root} yet"
    elif stage is None:
        index, planned = run_called(folder, name)
        found = status_of(folder, index, planned.pipeline)
        text = status_table(found)
    else:
        _, planned = run_called(folder, name)
        found = stage_status(folder, planned.pipeline, stage)
        text = found
    if json_:
        print_json(found)
    elif isinstance(text, dict):
        stdout.print_json(data=text, default=str)
    else:
        stdout.print(text)
    return Exit.DONE


def _follow(root: "Folder", name: str | None, stage: str | None, *, json_: bool) -> int:
    from fsa_ray.cli.follow import follow
    from fsa_ray.cli.status import runs_of

    if name is None:
        raise ValueError(f"--follow: say which run; there are: {', '.join(runs_of(root)) or 'none yet'}")
    if stage is not None:
        raise ValueError(f"--follow shows all stages of a run; leave out {stage!r}")
    return follow(root, name, json_=json_)


def verify(name: RunName, root: Root = DEFAULT_ROOT, json_: Json = False) -> int:
    """Prove from what is stored that no row was lost or doubled and no file was changed."""
    from dataclasses import asdict

    from fsa_ray.cli.console import print_json, stdout
    from fsa_ray.cli.exits import Exit
    from fsa_ray.cli.lookup import run_called
    from fsa_ray.core.verification import verify as check
    from fsa_ray.storage.folder import Folder

    folder = Folder(root)
    _, planned = run_called(folder, name)
    findings = check(folder, planned.pipeline)
    passed = all(finding.passed for finding in findings)
    if json_:
        print_json({"run": name, "passed": passed, "checks": [asdict(finding) for finding in findings]})
    else:
        for finding in findings:
            mark = "[green]✓[/]" if finding.passed else "[bold red]✗[/]"
            stdout.print(f"{mark} {finding.label:<20} {finding.check:<11} {finding.detail}", highlight=False)
        stdout.print("everything adds up" if passed else "[bold red]something does not add up[/]")
    return Exit.DONE if passed else Exit.FAILED


def report(name: RunName, root: Root = DEFAULT_ROOT, placement: PlacementFile = None, json_: Json = False) -> None:
    """Write the report of a run and say where it lies; with --json its scores as well.

    What it cost is told by the prices of the placement.
    """
    from fsa_ray.cli.console import print_json, stdout
    from fsa_ray.cli.lookup import placement_at, run_called
    from fsa_ray.cli.outcome import outcome_of
    from fsa_ray.core.prices import Prices
    from fsa_ray.storage.folder import Folder

    folder = Folder(root)
    _, planned = run_called(folder, name)
    outcome = outcome_of(folder, planned, placement_at(placement).section("prices", Prices))
    if json_:
        print_json({"report": outcome.page, **outcome.document})
    else:
        stdout.print(outcome.page, soft_wrap=True)


COMMANDS = (
    show,
    verify,
    report,
)

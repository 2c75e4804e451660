"""doctor and gc: keep the house in order."""

from typing import Annotated

import typer

from fsa_ray.cli.arguments import DEFAULT_ROOT, Json, PlacementFile, Root


def doctor(
    root: Root = DEFAULT_ROOT,
    placement: PlacementFile = None,
    model: Annotated[str | None, typer.Option(help="Also check this model's chat format, token by token.")] = None,
    engine: Annotated[bool, typer.Option("--engine", help="Also start a small vLLM engine.")] = False,
    json_: Json = False,
) -> int:
    """Check versions, storage, resources, and on demand a model's tokens and the engine."""
    from dataclasses import asdict

    from fsa_ray.cli.console import print_json, stdout
    from fsa_ray.cli.exits import Exit
    from fsa_ray.cli.health import examine

    checks = examine(root, placement, model, start_engine=engine)
    passed = all(check.passed for check in checks)
    if json_:
        print_json({"passed": passed, "checks": [asdict(check) for check in checks]})
    else:
        for check in checks:
            mark = "[green]✓[/]" if check.passed else "[bold red]✗[/]"
            stdout.print(f"{mark} {check.name:<12} {check.detail}", highlight=False)
    return Exit.DONE if passed else Exit.FAILED


def gc(
    root: Root = DEFAULT_ROOT,
    delete: Annotated[bool, typer.Option("--delete", help="Really delete; without it, only tell.")] = False,
) -> None:
    """Tell what nothing refers to, and what finished stages no longer need; delete it on demand.

    While predict or evaluate works, results without a named run are left alone: it may read them. So are, for an hour,
    those that were just made.
    """
    from fsa_ray.cli.console import stdout
    from fsa_ray.core.sweep import sweep
    from fsa_ray.storage.folder import Folder

    folder = Folder(root)
    found = sweep(folder)
    for waste in found:
        stdout.print(f"{waste.size / 1e6:10.2f} MB  {waste.folder}  [dim]{waste.why}[/]", highlight=False)
        if delete:
            folder.remove(waste.folder)
    total = sum(waste.size for waste in found) / 1e6
    verb = "deleted" if delete else "could be deleted with --delete"
    stdout.print(f"{total:.2f} MB in {len(found)} folders {verb}", highlight=False)


COMMANDS = (
    doctor,
    gc,
)

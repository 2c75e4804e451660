"""init, keys, plan, run: from a spec to a run."""

from pathlib import Path
from typing import Annotated

import typer

from fsa_ray.cli.arguments import (
    DEFAULT_ROOT,
    Json,
    Limit,
    Overrides,
    PlacementFile,
    Root,
    SpecFile,
)

STARTERS = "Which starter: distil, demo, ablation, soft-labels, compeffdist, fsa, targeted or joint."


def init(
    recipe: Annotated[str, typer.Argument(help=STARTERS)] = "distil",
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write.")] = Path("spec.yaml"),
) -> None:
    """Write a starter spec with comments."""
    from fsa_ray.cli.console import stderr
    from fsa_ray.recipes.starter import render
    from fsa_ray.recipes.table import recipe_called

    found = recipe_called(recipe)
    if output.exists():
        raise ValueError(f"{output} is there already; choose another file with --output")
    if not output.parent.is_dir():
        raise ValueError(f"{output}: there is no folder {output.parent}; make it, or choose another with --output")
    output.write_text(render(found.starter, found.about, found.spec), encoding="utf-8")
    stderr.print(f"wrote {output}; next: fsa-ray plan {output}")


def keys(
    of: Annotated[str, typer.Argument(help=f"{STARTERS[:-1]}; or placement.")] = "distil",
    json_: Json = False,
) -> None:
    """List every key that a spec of a recipe, or a placement file, may have: with its default and what it means."""
    from dataclasses import asdict

    from rich.markup import escape
    from rich.table import Table

    from fsa_ray.cli.console import print_json, stdout
    from fsa_ray.cli.sections import SECTIONS
    from fsa_ray.recipes.keys import keys_of, keys_of_section
    from fsa_ray.recipes.table import recipe_called

    if of == "placement":
        found = [key for name, model in SECTIONS.items() for key in keys_of_section(name, model)]
    else:
        found = list(keys_of(recipe_called(of).spec))
    if json_:
        print_json([asdict(key) for key in found])
        return
    table = Table("key", "default", "meaning", box=None, pad_edge=False)
    for key in found:
        default = "" if key.section else "[dim]to be given[/]" if key.default is None else escape(key.default)
        table.add_row(f"[bold]{key.path}[/]" if key.section else key.path, default, escape(key.about))
    stdout.print(table, highlight=False)


def plan(
    spec: SpecFile,
    root: Root = DEFAULT_ROOT,
    set_: Overrides = None,
    placement: PlacementFile = None,
    until: Annotated[str | None, typer.Option(help="Plan no further than this stage.")] = None,
    limit: Limit = None,
    json_: Json = False,
) -> None:
    """Show what would run, why, and how much it would take."""
    from fsa_ray.cli.console import print_json, stdout, warn
    from fsa_ray.cli.forecast import forecast, forecast_table, over_budget
    from fsa_ray.cli.lookup import placement_at, with_budget
    from fsa_ray.cli.pilot import pilot_of
    from fsa_ray.core.plan import plan as plan_steps
    from fsa_ray.core.plan import refuse_placement
    from fsa_ray.recipes.table import load_pipeline
    from fsa_ray.storage.folder import Folder

    planned = load_pipeline(spec, set_ or [], limit)
    warn(planned.warnings)
    folder = Folder(root)
    pipeline = pilot_of(planned.pipeline) if limit is not None and until is None else planned.pipeline
    steps = plan_steps(folder, pipeline, until)
    where = with_budget(placement_at(placement), planned)
    refuse_placement(steps, where)
    found = forecast(folder, planned, steps, where)
    warn(over_budget(found, planned.spec.budget))
    if json_:
        print_json(found.model_dump(mode="json"))
    else:
        stdout.print(forecast_table(found))


def run(
    spec: SpecFile,
    root: Root = DEFAULT_ROOT,
    set_: Overrides = None,
    placement: PlacementFile = None,
    until: Annotated[str | None, typer.Option(help="Run no further than this stage.")] = None,
    allow: Annotated[list[str] | None, typer.Option(help="Pay for this costly stage again.", metavar="STAGE")] = None,
    limit: Limit = None,
    retry_failed: Annotated[
        str | None,
        typer.Option(
            help="Ask the failed rows of this stage again, keeping the good ones. What was trained on its answers is "
            "trained anew, which --allow must name.",
            metavar="STAGE",
        ),
    ] = None,
) -> None:
    """Run a spec; what is done already is reused."""
    from fsa_ray.cli.drive import drive
    from fsa_ray.cli.lookup import placement_at

    drive(
        spec,
        root,
        overrides=set_ or [],
        placement=placement_at(placement),
        until=until,
        allow=frozenset(allow or []),
        limit=limit,
        retry_failed=retry_failed,
    )


COMMANDS = (
    init,
    keys,
    plan,
    run,
)

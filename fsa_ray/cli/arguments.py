"""Arguments and options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

from fsa_ray.core.pipeline import RunIndex
from fsa_ray.core.placement import Placement
from fsa_ray.recipes.table import Plan, build
from fsa_ray.storage.folder import Folder

SpecFile = Annotated[Path, typer.Argument(help="YAML spec of the run.", metavar="SPEC")]
RunName = Annotated[str, typer.Argument(help="Name of a run.", metavar="NAME")]
Root = Annotated[str, typer.Option(help="Where results lie: a folder or a URL such as s3://bucket/prefix.")]
Overrides = Annotated[
    list[str] | None, typer.Option("--set", help="Change a value of the spec: a.b=c.", metavar="A.B=C")
]
PlacementFile = Annotated[Path | None, typer.Option(help="YAML that says where stages run.", metavar="FILE")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, nothing else there.")]
Limit = Annotated[int | None, typer.Option(min=1, help="A pilot of so many reviews, under a name of its own.")]
DEFAULT_ROOT = "runs"


def placement_at(path: Path | None) -> Placement:
    return Placement() if path is None else Placement.read(path)


def run_called(root: Folder, name: str) -> tuple[RunIndex, Plan]:
    """The index of a named run and the pipeline that it stands for. Raises ValueError listing the known names."""
    index = RunIndex.read(root, name)
    if index is None:
        names = RunIndex.names(root)
        known = f"there are: {', '.join(names)}" if names else f"nothing has run under {root.url} yet"
        raise ValueError(f"no run is called {name!r} here; {known} (another place? use --root)")
    return index, build(index.spec, f"the spec of run {name}")

"""Arguments and options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

SpecFile = Annotated[Path, typer.Argument(help="YAML spec of the run.", metavar="SPEC")]
RunName = Annotated[str, typer.Argument(help="Name of a run.", metavar="NAME")]
Root = Annotated[str, typer.Option(help="Where results lie: a folder or a URL such as s3://bucket/prefix.")]
Overrides = Annotated[
    list[str] | None, typer.Option("--set", help="Change a value of the spec: a.b=c.", metavar="A.B=C")
]
PlacementFile = Annotated[Path | None, typer.Option(help="YAML that says where stages run.", metavar="FILE")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, nothing else there.")]
Limit = Annotated[
    int | None,
    typer.Option(min=1, help="A pilot: so many reviews, as far as the teacher's answers, under a name of its own."),
]
DATA_HELP = "The benchmark's folder or URL, in the official layout."
DEFAULT_ROOT = "runs"

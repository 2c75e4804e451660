"""What the terminal shows while a run goes on. Everything here goes to stderr: stdout belongs to results."""

import json
import sys
from collections.abc import Iterable
from typing import Any

from rich.console import Console
from rich.text import Text

from fsa_ray.core.beat import Beat
from fsa_ray.core.plan import Step
from fsa_ray.core.record import Record

stderr = Console(stderr=True)
stdout = Console()


class Narrator:
    """Tells of each stage when it begins, has something to say, and ends."""

    def begins(self, step: Step) -> None:
        verb = "goes on" if step.action == "continue" else "runs"
        stderr.print(f"[bold cyan]▸ {step.label}[/] {verb}: {step.reason}", highlight=False)

    def says(self, step: Step, news: str | Beat) -> None:
        stderr.print(f"  [dim]{step.label}:[/] {news}", highlight=False)

    def ends(self, step: Step, record: Record) -> None:
        if step.action == "reuse":
            stderr.print(f"[dim]✓ {step.label} reused[/]", highlight=False)
        else:
            stderr.print(f"[green]✓ {step.label}[/] {summary(record)} in {record.seconds:.1f} s", highlight=False)


def warn(warnings: Iterable[str]) -> None:
    for warning in warnings:
        stderr.print("[yellow]warning:[/]", Text(warning), highlight=False, soft_wrap=True)


def summary(record: Record) -> str:
    """The counts of a record in a few words."""
    artifact = record.artifact
    parts = []
    if "kept" in artifact:
        kept = sum(file["rows"] for file in artifact["kept"]["files"])
        rejected = sum(file["rows"] for file in artifact["rejected"]["files"])
        parts.append(f"{kept} rows" + (f", {rejected} rejected" if rejected else ""))
    names = (
        ("output_tokens", "tokens written"),
        ("steps", "steps"),
        ("engine_starts", "engine starts"),
        ("restarts", "restarts"),
        ("steps_redone", "steps redone"),
        ("rows_redone", "rows redone"),
    )
    parts.extend(f"{record.measures[key]:.0f} {words}" for key, words in names if record.measures.get(key))
    return "; ".join(parts) or "done"


def print_json(document: Any) -> None:
    """One JSON document on stdout and nothing else there."""
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False, default=str) + "\n")

"""The status of a run: derived from records, claims and progress each time it is asked."""

from typing import Any

from rich.table import Table

from fsa_ray.cli.console import summary
from fsa_ray.core.pipeline import Pipeline, RunIndex
from fsa_ray.core.record import read_record
from fsa_ray.core.stage import Stage
from fsa_ray.storage.claim import holder_of
from fsa_ray.storage.folder import Folder


def runs_of(root: Folder) -> list[str]:
    return RunIndex.names(root)


def status_of(root: Folder, index: RunIndex, pipeline: Pipeline) -> dict[str, Any]:
    """Every stage with its state: done, running (by whom), interrupted, waiting."""
    stages = [_status(root, label, stage) for label, stage in pipeline.order()]
    return {"run": index.name, "started": index.started.isoformat(), "stages": stages}


def stage_status(root: Folder, pipeline: Pipeline, label: str) -> dict[str, Any]:
    """The whole record of one stage, or its state if it has none. Raises ValueError for an unknown label."""
    if label not in pipeline.stages:
        raise ValueError(f"no stage is called {label!r} here; there are: {', '.join(pipeline.stages)}")
    stage = pipeline.stages[label]
    record = read_record(root, stage)
    return _status(root, label, stage) | ({} if record is None else {"record": record.model_dump(mode="json")})


def status_table(status: dict[str, Any]) -> Table:
    table = Table(title=f"run {status['run']}, started {status['started']}", title_justify="left")
    for heading in ("stage", "state", "what", "seconds", "folder"):
        table.add_column(heading, justify="right" if heading == "seconds" else "left")
    for stage in status["stages"]:
        seconds = "" if stage["seconds"] is None else f"{stage['seconds']:.1f}"
        colour = {"done": "green", "waiting": "dim"}.get(stage["state"], "yellow")
        table.add_row(stage["label"], f"[{colour}]{stage['state']}[/]", stage["what"], seconds, stage["folder"])
    return table


def _status(root: Folder, label: str, stage: Stage[Any]) -> dict[str, Any]:
    record = read_record(root, stage)
    common = {"label": label, "stage": stage.name, "folder": stage.folder}
    if record is not None:
        return {**common, "state": "done", "what": summary(record), "seconds": record.seconds,
                "measures": record.measures}  # fmt: skip
    holder = holder_of(root / stage.folder)
    begun = bool((root / stage.folder / "progress").names())
    state = "running" if holder else "interrupted" if begun else "waiting"
    return {**common, "state": state, "what": f"by {holder}" if holder else "", "seconds": None, "measures": {}}

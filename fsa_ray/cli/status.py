"""The status of a run: derived from records and claims each time it is asked."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from rich.table import Table
from rich.text import Text

from fsa_ray.cli.console import summary
from fsa_ray.core.beat import Beat, News
from fsa_ray.core.pipeline import Pipeline, RunIndex
from fsa_ray.core.record import Record, read_record
from fsa_ray.core.stage import Stage
from fsa_ray.storage.claim import Traces, traces_of
from fsa_ray.storage.folder import Folder

State = Literal["done", "running", "failed", "interrupted", "waiting"]
COLOURS = {"done": "green", "waiting": "dim", "failed": "bold red"}


@dataclass(frozen=True)
class Standing:
    """Where a stage stands. `seen`: the last sign of life of its driver, by the storage's clock."""

    label: str
    folder: str
    state: State
    what: str = ""
    seconds: float | None = None
    measures: dict[str, float] = field(default_factory=dict)
    beat: Beat | None = None
    seen: datetime | None = field(default=None, compare=False)

    def document(self) -> dict[str, Any]:
        return {
            "label": self.label,
            "stage": self.folder.partition("/")[0],
            "folder": self.folder,
            "state": self.state,
            "what": self.what,
            "seconds": self.seconds,
            "measures": self.measures,
            "beat": None if self.beat is None else self.beat.model_dump(mode="json"),
        }


def runs_of(root: Folder) -> list[str]:
    return RunIndex.names(root)


def status_of(root: Folder, index: RunIndex, pipeline: Pipeline) -> dict[str, Any]:
    """Every stage with its state: done, running (by whom), failed (why), interrupted, waiting."""
    return status_document(index, [_standing(root, label, stage) for label, stage in pipeline.order()])


def status_document(index: RunIndex, standings: list[Standing]) -> dict[str, Any]:
    return {
        "run": index.name,
        "started": index.started.isoformat(),
        "stages": [standing.document() for standing in standings],
    }


def stage_status(root: Folder, pipeline: Pipeline, label: str) -> dict[str, Any]:
    """The whole record of one stage, or its state if it has none. Raises ValueError for an unknown label."""
    stage = pipeline.called(label)
    found, record = _standing(root, label, stage).document(), read_record(root, stage)
    return found if record is None else {**found, "record": record.model_dump(mode="json")}


def status_table(status: dict[str, Any]) -> Table:
    table = Table(title=f"run {status['run']}, started {status['started']}", title_justify="left")
    for heading in ("stage", "state", "what", "seconds", "folder"):
        table.add_column(heading, justify="right" if heading == "seconds" else "left")
    for stage in status["stages"]:
        seconds = "" if stage["seconds"] is None else f"{stage['seconds']:.1f}"
        state = Text(stage["state"], COLOURS.get(stage["state"], "yellow"))
        table.add_row(stage["label"], state, Text(stage["what"]), seconds, stage["folder"])
    return table


def standing(root: Folder, label: str, folder: str, read: Callable[[], Record | None]) -> Standing:
    """Of the stage in `folder`, whose record `read` reads."""
    record = read()
    traces = traces_of(root / folder) if record is None else None
    if traces is not None and traces.released:
        record = read()  # it may have been written between our two looks
    if record is not None:
        return Standing(label, folder, "done", summary(record), record.seconds, record.measures)
    if traces is None:
        return Standing(label, folder, "waiting")
    news = News.model_validate_json(traces.news) if traces.news else None
    beat = None if news is None else news.beat
    state: State = "running" if traces.at_work else "failed" if traces.error else "interrupted"
    return Standing(label, folder, state, _what(traces, news), beat=beat, seen=traces.seen)


def _standing(root: Folder, label: str, stage: Stage[Any]) -> Standing:
    return standing(root, label, stage.folder, lambda: read_record(root, stage))


def _what(traces: Traces, news: News | None) -> str:
    if traces.error:
        return traces.error
    said = f": {news.said}" if news is not None else ""
    return f"by {traces.holder}{said}" if traces.at_work else said.removeprefix(": ")

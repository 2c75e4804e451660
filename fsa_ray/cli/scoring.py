"""`fsa-ray evaluate`: a file of predictions, or a model that is asked."""

from pathlib import Path
from typing import cast

from rich.table import Table

from fsa_ray.cli.annotation import annotation_of, run_quietly
from fsa_ray.core.pipeline import Pipeline
from fsa_ray.core.placement import Placement
from fsa_ray.core.runner import load
from fsa_ray.evaluation.native import require_native
from fsa_ray.evaluation.predictions import logged_protocol, read_predictions
from fsa_ray.evaluation.scorecard import TaskScore, outcomes, summaries
from fsa_ray.evaluation.task import Protocol, require_protocol
from fsa_ray.evaluation.tasks import load_task
from fsa_ray.stages.benchmark import Benchmark
from fsa_ray.stages.evaluate import Evaluate
from fsa_ray.storage.folder import Folder


def score_file(
    path: Path, name: str, data: Path, protocol: str | None = None, *, missing_as_wrong: bool = False
) -> list[TaskScore]:
    """Metrics only: of the task, and of each view of its test. Without `protocol`: that of logged samples, else the
    task's usual one. Raises ValueError naming file and item for whatever does not fit."""
    task = load_task(name)
    items = task.load(data)
    predictions = read_predictions(path, task, items)
    scored = cast(Protocol | None, protocol) or logged_protocol(path) or task.usual_protocol
    judged = outcomes(task, items, predictions, scored, missing_as_wrong)
    return list(summaries(task, items, judged, scored).values())


def score_model(
    model: str,
    tasks: tuple[str, ...],
    data: Path,
    limit: int | None,
    protocol: str,
    *,
    root_url: str,
    placement: Placement,
) -> list[TaskScore]:
    """Ask the model in its own format and score what it says."""
    for name in tasks:
        require_native(load_task(name))
        require_protocol(load_task(name), protocol)
    root = Folder(root_url)
    benchmark = Benchmark.at(str(data), tasks, limit=limit)
    annotations = annotation_of(root, model, benchmark)
    evaluation = Evaluate(benchmark=benchmark, annotations=annotations, protocol=cast(Protocol, protocol))
    run_quietly(root, Pipeline("evaluate", {"evaluate": evaluation}), placement)
    return list(load(root, evaluation).scores.values())


def scores_table(scores: list[TaskScore]) -> Table:
    table = Table()
    table.add_column("task", no_wrap=True)
    for heading in ("protocol", "metric"):
        table.add_column(heading)
    for heading in ("score", "95 % interval", "items", "invalid"):
        table.add_column(heading, justify="right")
    for one in scores:
        interval = f"{one.low:.2f} to {one.high:.2f}"
        table.add_row(one.task, one.protocol, one.metric, f"{one.score:.2f}", interval, str(one.n), str(one.invalid))
    return table

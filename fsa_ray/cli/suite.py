"""`fsa-ray evaluate --suite` and `fsa-ray export`: a model on all tasks of a suite, asked here or elsewhere."""

from pathlib import Path
from typing import cast

from pydantic import BaseModel, ConfigDict
from rich.table import Table

from fsa_ray.cli.annotation import run_quietly
from fsa_ray.cli.console import stderr
from fsa_ray.cli.lookup import context_of, model_called
from fsa_ray.core.pipeline import Pipeline
from fsa_ray.core.placement import Placement
from fsa_ray.core.record import read_record
from fsa_ray.core.runner import load
from fsa_ray.evaluation.harness import export_task
from fsa_ray.evaluation.suites import present, suite_called
from fsa_ray.evaluation.task import Protocol, require_protocol
from fsa_ray.evaluation.tasks import load_task
from fsa_ray.reporting.html import render_suite
from fsa_ray.stages.answer import Answer
from fsa_ray.stages.judge import Judge
from fsa_ray.stages.questions import Answering, Questions
from fsa_ray.stages.suite import Evaluation
from fsa_ray.stages.suite_page import suite_contents
from fsa_ray.storage.folder import Folder
from fsa_ray.training.settings import Precision


class Asked(BaseModel):
    """How the suite is asked; None takes the suite's default."""

    model_config = ConfigDict(frozen=True)

    protocol: str | None = None
    shots: int | None = None
    seeds: tuple[int, ...] | None = None
    limit: int | None = None
    answering: Answering = "likelihood"
    calibrate: bool = False
    structured: bool = False
    chat: bool = False
    prefix: str = ""
    max_length: int | None = None
    precision: Precision = "bf16"


def evaluate_suite(
    model: str,
    suite: str,
    tasks: tuple[str, ...],
    data: Path,
    asked: Asked,
    name: str | None,
    root: Folder,
    at: Placement,
) -> Evaluation:
    """Ask the model every item of the suite's tasks that have data, or of `tasks`, and keep what comes out."""
    usual = suite_called(suite)
    shots = usual.shots if asked.shots is None else asked.shots
    protocol = cast(Protocol, asked.protocol or usual.protocol)
    found, absent = present(tasks or usual.tasks, data, ("test", "train") if shots else ("test",))
    if not found:
        raise ValueError(f"{data}: none of the tasks {', '.join(absent)} has its files there; give the suite's folder")
    if absent:
        stderr.print(f"[yellow]without data, and left out:[/] {', '.join(absent)}", highlight=False)
    for task in found:
        require_protocol(load_task(task), protocol)
    stage, _ = model_called(root, model)
    shared = asked.model_dump(exclude={"protocol", "shots", "seeds", "precision", "max_length"})
    shared["max_length"] = asked.max_length or context_of(root, stage)
    questions = Questions.at(
        str(data), tuple(found), shots, model=stage, protocol=protocol, seeds=asked.seeds or usual.seeds, **shared
    )
    judge = Judge(answers=Answer(questions=questions, precision=asked.precision))
    pipeline = Pipeline("evaluate", {"questions": questions, "answers": judge.answers, "scores": judge})
    run_quietly(root, pipeline, at)
    scores, record = load(root, judge), read_record(root, questions)
    assert record is not None
    whole = [score.score for key, score in scores.scores.items() if "/" not in key]
    done = Evaluation(
        name=name or f"{Path(model).name or model}-{suite}-{protocol}",
        model=model,
        suite=suite,
        protocol=protocol,
        shots=shots,
        seeds=questions.seeds,
        mean=sum(whole) / len(whole),
        tasks={load_task(task).name: task for task in found},
        scores=scores.scores,
        absent=tuple(absent),
        demonstrations_dropped=int(record.measures["demonstrations_dropped"]),
        too_long=int(record.measures["too_long"]),
        items=scores.items,
    )
    folder = root / "evaluations"
    folder.put(f"{done.name}.json", done.model_dump_json(indent=2).encode())
    folder.put(f"{done.name}.html", render_suite(suite_contents(root, done)).encode())
    stderr.print(f"page: [bold]{folder.url}/{done.name}.html[/]", highlight=False)
    return done


def evaluation_table(done: Evaluation) -> Table:
    table = Table(title=f"{done.name}: {done.shots} demonstrations, protocol {done.protocol}", title_justify="left")
    table.add_column("task", no_wrap=True)
    for heading in (f"score over {len(done.seeds)} seeds", "95 % interval", "items", "invalid", "missing"):
        table.add_column(heading, justify="right")
    for one in done.scores.values():
        std = "" if one.std is None else f" ± {one.std:.2f}"
        interval = f"{one.low:.2f} to {one.high:.2f}"
        table.add_row(one.task, f"{one.score:.2f}{std}", interval, str(one.n), str(one.invalid), str(one.missing))
    table.add_section()
    table.add_row("mean", f"[bold]{done.mean:.2f}[/]", "", "", "", "")
    return table


def export_suite(
    suite: str, tasks: tuple[str, ...], data: Path, protocol: str | None, shots: int | None, seed: int, folder: Path
) -> list[Path]:
    """The suite as tasks of lm-evaluation-harness; returns their YAML files."""
    usual = suite_called(suite)
    count = usual.shots if shots is None else shots
    found, absent = present(tasks or usual.tasks, data, ("test", "train") if count else ("test",))
    if not found:
        raise ValueError(f"{data}: none of the tasks {', '.join(absent)} has its files there; give the suite's folder")
    written = []
    for name in found:
        task = load_task(name)
        pool = task.load(data, "train") if count else []
        form = cast(Protocol, protocol or usual.protocol)
        written.append(export_task(task, task.load(data), pool, form, count, seed, folder))
    return written

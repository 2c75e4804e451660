"""`fsa-ray evaluate --suite` and `fsa-ray export`: a model on all tasks of a suite, asked here or elsewhere."""

import re
from pathlib import Path
from typing import cast

from rich.markup import escape
from rich.table import Table

from fsa_ray.cli.annotation import run_quietly
from fsa_ray.cli.console import stderr
from fsa_ray.cli.lookup import context_of, evaluation_called, model_called
from fsa_ray.cli.options import Options
from fsa_ray.core.pipeline import Pipeline
from fsa_ray.core.placement import Placement
from fsa_ray.core.record import read_record
from fsa_ray.core.runner import load
from fsa_ray.core.stage import Stage
from fsa_ray.evaluation.harness import export_task
from fsa_ray.evaluation.sanity import sanity
from fsa_ray.evaluation.suites import Suite, present, suite_called
from fsa_ray.evaluation.task import Protocol, require_protocol
from fsa_ray.evaluation.tasks import load_task
from fsa_ray.reporting.html import render_suite
from fsa_ray.reporting.suite import DataSplit, TaskData
from fsa_ray.stages.answer import Answer
from fsa_ray.stages.judge import Judge
from fsa_ray.stages.model import Model
from fsa_ray.stages.questions import Questions
from fsa_ray.stages.suite import Evaluation, keep
from fsa_ray.stages.suite_page import suite_contents
from fsa_ray.storage.folder import Folder


def evaluate_suite(
    model: str,
    suite: str,
    tasks: tuple[str, ...],
    data: Path,
    options: Options,
    name: str | None,
    root: Folder,
    at: Placement,
) -> Evaluation:
    """Ask the model every item of the suite's tasks that have data, or of `tasks`, and keep what comes out."""
    usual = suite_called(suite)
    shots = usual.shots if options.shots is None else options.shots
    found, absent = _with_data(tasks or usual.tasks, data, shots)
    if absent:
        stderr.print(f"[yellow]without data, and left out:[/] {', '.join(absent)}", highlight=False)
    stage, _ = model_called(root, model)
    judge = _judge(root, stage, data, found, shots, usual, options)
    protocol = judge.answers.questions.protocol
    name = name or _default_name(model, suite, protocol, pilot=options.limit is not None)
    _refuse_another(root, name, judge, model)
    checked = [_checked(task, data) for task in found]
    questions = judge.answers.questions
    run_quietly(root, Pipeline("evaluate", {"questions": questions, "answers": judge.answers, "scores": judge}), at)
    record = read_record(root, questions)
    assert record is not None
    done = keep(root, name, model, suite, judge, load(root, judge), record.measures, absent, checked)
    folder = root / "evaluations"
    folder.put(f"{name}.html", render_suite(suite_contents(root, done)).encode())
    stderr.print(f"page: [bold]{folder.url}/{name}.html[/]", highlight=False)
    return done


def _judge(
    root: Folder, model: Stage[Model], data: Path, tasks: list[str], shots: int, usual: Suite, options: Options
) -> Judge:
    protocol = cast(Protocol, options.protocol or usual.protocol)
    for task in tasks:
        require_protocol(load_task(task), protocol)
    seeds = options.seeds or (usual.seeds if shots else usual.seeds[:1])  # they draw demonstrations, and nothing else
    questions = Questions.at(
        str(data),
        tuple(tasks),
        shots,
        model=model,
        protocol=protocol,
        seeds=seeds,
        max_length=options.max_length or context_of(root, model),
        **options.model_dump(include={"limit", "answering", "calibrate", "structured", "chat", "prefix"}),
    )
    return Judge(answers=Answer(questions=questions, precision=options.precision))


def _default_name(model: str, suite: str, protocol: str, *, pilot: bool) -> str:
    whole = re.sub(r"[^\w.-]+", "-", model).strip("-.") or "model"
    return f"{whole}-{suite}-{protocol}" + ("-pilot" if pilot else "")


def _refuse_another(root: Folder, name: str, judge: Judge, model: str) -> None:
    """A name means one evaluation for good: ValueError if it is that of another one."""
    folder = root / "evaluations"
    if not folder.exists(f"{name}.json"):
        return
    kept = evaluation_called(root, name)
    if kept.judge != judge.fingerprint:
        changed = kept.differs(judge, model) or ["its model, its data or this package have changed since"]
        raise ValueError(
            f"evaluation {name!r} is there already and was made otherwise ({'; '.join(changed)}); "
            f"give this one a --name of its own, or remove {folder.url}/{name}.json"
        )


def _checked(task: str, data: Path) -> TaskData:
    found = sanity(load_task(task), data)
    splits = {name: DataSplit(**split._asdict()) for name, split in found.splits.items()}
    if found.problems:
        stderr.print(f"[yellow]{found.task}:[/] {'; '.join(found.problems)}", highlight=False)
    return TaskData(task=found.task, splits=splits, leaks=found.leaks, problems=tuple(found.problems))


def _with_data(tasks: tuple[str, ...], data: Path, shots: int) -> tuple[list[str], list[str]]:
    """The tasks that have the files to ask with so many demonstrations, and the others. ValueError if none has."""
    found, absent = present(tasks, data, ("test", "train") if shots else ("test",))
    if not found:
        raise ValueError(f"{data}: none of the tasks {', '.join(absent)} has its files there; give the suite's folder")
    return found, absent


def evaluation_table(done: Evaluation) -> Table:
    asked = "; ".join(f"{label}: {value}" for label, value in done.asked.told().items())
    absent = f"; absent: {', '.join(done.absent)}" if done.absent else ""
    table = Table(
        title=escape(f"{done.name}: {done.model}"),
        title_justify="left",
        caption=escape(f"The mean is {done.coverage}{absent}.\n{asked}"),
        caption_justify="left",
    )
    table.add_column("task", no_wrap=True)
    score = "score" if len(done.asked.seeds) == 1 else f"score over {len(done.asked.seeds)} seeds"
    for heading in (score, "95 % interval", "items", "invalid", "missing"):
        table.add_column(heading, justify="right")
    for one in done.scores.values():
        counts = (str(one.n), str(one.invalid), str(one.missing))
        table.add_row(one.task, _score(one.score, one.std), f"{one.low:.2f} to {one.high:.2f}", *counts)
    table.add_section()
    interval = f"{done.mean_low:.2f} to {done.mean_high:.2f}"
    table.add_row("mean", _score(done.mean, done.mean_std), interval, "", "", "", style="bold")
    return table


def _score(score: float, std: float | None) -> str:
    return f"{score:.2f}" if std is None else f"{score:.2f} ± {std:.2f}"


def export_suite(
    suite: str, tasks: tuple[str, ...], data: Path, protocol: str | None, shots: int | None, seed: int, folder: Path
) -> list[Path]:
    """The suite as tasks of lm-evaluation-harness; returns their YAML files."""
    usual = suite_called(suite)
    count = usual.shots if shots is None else shots
    written = []
    for name in _with_data(tasks or usual.tasks, data, count)[0]:
        task = load_task(name)
        pool = task.load(data, "train") if count else []
        form = cast(Protocol, protocol or usual.protocol)
        written.append(export_task(task, task.load(data), pool, form, count, seed, folder))
    return written

"""From the records of a grid's cells to one table of its students. A view, like the report of a run."""

from collections.abc import Iterator, Sequence
from typing import Any, cast

from fsa_ray.core.artifact import Rows
from fsa_ray.core.grid import Cell, distinct
from fsa_ray.core.pipeline import Pipeline, RunIndex
from fsa_ray.core.prices import Prices
from fsa_ray.core.record import Record, read_record
from fsa_ray.core.runner import load
from fsa_ray.evaluation.repetition import repeated
from fsa_ray.reporting.ablation import AblationContents, ControlRow, MeanScore, StudentRow
from fsa_ray.reporting.contents import Fact, LedgerEntry
from fsa_ray.stages.evaluate import Scores
from fsa_ray.stages.report import MODELS, notes_on, provenance_of, spec_facts
from fsa_ray.storage.folder import Folder

SHARES = ("select.rate", "finetune.share")
"""What is varied for the plot of data efficiency, on an axis of its own."""

INTERVAL = (
    "95 % t-intervals of the mean over repetitions, on the same test items; "
    "of a model with one run, bootstrap intervals over items"
)


def ablation(root: Folder, pipeline: Pipeline, cells: Sequence[Cell], prices: Prices) -> AblationContents:
    """Raises ValueError if a stage is not done."""
    records = {stage.fingerprint: read_record(root, stage) for stage in pipeline.stages.values()}
    missing = [label for label, stage in pipeline.stages.items() if records[stage.fingerprint] is None]
    if missing:
        raise ValueError(
            f"run {pipeline.name!r} is not finished: {len(missing)} of {len(pipeline.stages)} stages are to come, "
            f"{missing[0]} first; run its spec again to go on"
        )
    done = cast("dict[str, Record]", records)
    index = RunIndex.read(root, pipeline.name)
    assert index is not None, "a run writes its index before its stages"
    axes = tuple(axis for axis in cells[0].choices if not _repeats(axis))
    shares = _shares(index.spec["grid"])
    rows = tuple(_students(root, cells, axes, shares, done))
    return AblationContents(
        name=pipeline.name,
        created=index.started,
        axes=axes,
        share_axis=next((axis for axis, _ in shares), None),
        tasks=tuple(dict.fromkeys(task for row in rows for task in row.scores)),
        students=len(distinct(cells, "evaluate-student")),
        rows=rows,
        controls=tuple(_controls(root, cells, axes)),
        interval=INTERVAL,
        notes=tuple(notes_on(index.spec)),
        spec=(*spec_facts(index.spec), *_axes(cells)),
        ledger=tuple(_ledger(cells, done, index, prices)),
        currency=prices.currency,
        provenance=tuple(provenance_of(done)),
    )


def _repeats(axis: str) -> bool:
    """Whether scores are averaged over an axis: over trials, and over seeds of whatever part of the run."""
    return axis == "trial" or axis.rpartition(".")[2] == "seed"


def _axes(cells: Sequence[Cell]) -> Iterator[Fact]:
    for axis in cells[0].choices:
        yield Fact(label=axis, value=", ".join(dict.fromkeys(cell.choices[axis] for cell in cells)))


def _shares(grid: dict[str, dict[str, dict[str, Any]]]) -> dict[tuple[str, str], float]:
    """Axis and choice to the share of the data that it is; empty without an axis of nothing but shares."""
    return {
        (axis, name): float(settings[share])
        for axis, choices in grid.items()
        for share in SHARES
        if all(set(settings) == {share} for settings in choices.values())
        for name, settings in choices.items()
    }


def _students(
    root: Folder,
    cells: Sequence[Cell],
    axes: tuple[str, ...],
    shares: dict[tuple[str, str], float],
    records: dict[str, Record],
) -> Iterator[StudentRow]:
    for choices, group in _grouped(cells, "student", axes).items():
        packs = [cell.stages["student"].inputs()["corpus"] for cell in group]
        examples = [cast(Rows, load(root, pack)).kept.rows for pack in packs]
        tokens = [records[pack.fingerprint].measures["tokens"] for pack in packs]
        chosen = (shares.get((axis, name)) for axis, name in zip(axes, choices, strict=True) if name is not None)
        yield StudentRow(
            choices=choices,
            share=next((share for share in chosen if share is not None), None),
            examples=round(sum(examples) / len(group)),
            tokens=round(sum(tokens) / len(group)),
            scores=_means(root, group, "student"),
        )


def _controls(root: Folder, cells: Sequence[Cell], axes: tuple[str, ...]) -> Iterator[ControlRow]:
    """Teacher, gold-only student and majority answer: once, or for each choice that makes another one."""
    for suffix, (name, role, _) in MODELS.items():
        if suffix == "student":
            continue
        groups = _grouped(cells, suffix, axes)
        for choices, group in groups.items():
            told = ", ".join([name, *filter(None, choices)]) if len(groups) > 1 else name
            yield ControlRow(name=told, role=role, scores=_means(root, group, suffix))


def _grouped(cells: Sequence[Cell], suffix: str, axes: tuple[str, ...]) -> dict[tuple[str | None, ...], list[Cell]]:
    """The evaluated models of one kind by their choices, repetitions together; None where a choice does not matter."""
    groups: dict[tuple[str | None, ...], list[Cell]] = {}
    for cell in distinct(cells, f"evaluate-{suffix}"):
        groups.setdefault(tuple(cell.choices.get(axis) for axis in axes), []).append(cell)
    return groups


def _means(root: Folder, cells: Sequence[Cell], suffix: str) -> dict[str, MeanScore]:
    scores = [cast(Scores, load(root, cell.stages[f"evaluate-{suffix}"])).scores for cell in cells]
    found = {}
    for task in scores[0]:
        over = repeated([of_run[task] for of_run in scores])
        values = over.model_dump(exclude={"mean"})
        found[task] = MeanScore(score=over.mean, **values)
    return found


def _ledger(
    cells: Sequence[Cell], records: dict[str, Record], index: RunIndex, prices: Prices
) -> Iterator[LedgerEntry]:
    """One entry for each label of the recipe, however many stages it means."""
    for label in dict.fromkeys(label for cell in cells for label in cell.stages):
        stages = [cell.stages[label] for cell in distinct(cells, label)]
        made = [records[stage.fingerprint] for stage in stages]
        sums = {
            key: round(sum(record.measures.get(key, 0) for record in made))
            for key in ("prompt_tokens", "output_tokens", "engine_starts")
        }
        yield LedgerEntry(
            stage=label if len(made) == 1 else f"{label} × {len(made)}",
            seconds=sum(record.seconds for record in made),
            cost=prices.of(sums["prompt_tokens"], sums["output_tokens"]) if stages[0].costly else None,
            reused=all(record.provenance.started < index.started for record in made),
            **sums,
        )

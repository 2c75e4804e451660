"""The cells of a grid: pipelines that share most of their stages, as one pipeline."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from fsa_ray.core.pipeline import Pipeline
from fsa_ray.core.stage import Stage


@dataclass(frozen=True)
class Cell:
    """One combination. `choices` maps each axis to the name of what was chosen on it, `stages` a recipe's labels to
    the stages for it."""

    choices: dict[str, str]
    stages: dict[str, Stage[Any]]


def distinct(cells: Sequence[Cell], label: str) -> list[Cell]:
    """One cell for each stage that `label` means in some of them, with the choices that all of its cells share."""
    groups: dict[str, list[Cell]] = {}
    for cell in cells:
        if label in cell.stages:
            groups.setdefault(cell.stages[label].fingerprint, []).append(cell)
    return [Cell(_shared(group), group[0].stages) for group in groups.values()]


def united(name: str, cells: Sequence[Cell]) -> Pipeline:
    """Every stage of the cells once. A label that means several stages is followed by the choices that lead to each."""
    stages: dict[str, Stage[Any]] = {}
    for label in dict.fromkeys(label for cell in cells for label in cell.stages):
        variants = distinct(cells, label)
        varied = [axis for axis in cells[0].choices if len({variant.choices.get(axis) for variant in variants}) > 1]
        for variant in variants:
            told = [_short(axis, variant.choices[axis]) for axis in varied if axis in variant.choices]
            stages[_free("-".join([label, *told]), stages)] = variant.stages[label]
    return Pipeline(name, stages)


def _shared(cells: Sequence[Cell]) -> dict[str, str]:
    first, *others = (set(cell.choices.items()) for cell in cells)
    kept = first.intersection(*others)
    return {axis: name for axis, name in cells[0].choices.items() if (axis, name) in kept}


def _short(axis: str, name: str) -> str:
    """For a label: a name that says nothing without its axis, such as a number, gets it in front."""
    told = re.sub(r"[^\w.]+", "-", name).strip("-")
    return told if name[0].isalpha() else axis.rpartition(".")[2] + told


def _free(label: str, taken: Iterable[str]) -> str:
    known = set(taken)
    return next(name for name in (label, *(f"{label}-{n}" for n in range(2, len(known) + 3))) if name not in known)

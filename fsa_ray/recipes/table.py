"""The table of recipes, and the way from a YAML file to a pipeline."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from fsa_ray.core.explain import suggest
from fsa_ray.core.grid import Cell, united
from fsa_ray.core.pipeline import Pipeline
from fsa_ray.recipes.ablation import ABLATION, ABOUT, ABOUT_SOFT, SOFT_LABELS
from fsa_ray.recipes.compeffdist import CompEffSpec, compeffdist
from fsa_ray.recipes.demo import DEMO
from fsa_ray.recipes.distil import distil
from fsa_ray.recipes.fsa import FsaSpec, fsa
from fsa_ray.recipes.grid import Grid, Variant, variants
from fsa_ray.recipes.joint import JointSpec, joint
from fsa_ray.recipes.reviews import unfiltered
from fsa_ray.recipes.spec import Spec, read_spec, validate
from fsa_ray.recipes.starter import (
    ABOUT_COMPEFFDIST,
    ABOUT_FSA,
    ABOUT_JOINT,
    ABOUT_TARGETED,
    COMPEFFDIST,
    FSA,
    JOINT,
    STARTER,
    TARGETED,
)
from fsa_ray.recipes.targeted import TargetedSpec, targeted
from fsa_ray.recipes.teacher_spec import AskedAgain


@dataclass(frozen=True)
class Recipe:
    """How a spec becomes a pipeline, and the spec that `fsa-ray init` writes."""

    build: Callable[[Any], Pipeline]
    starter: dict[str, Any]
    about: str
    spec: type[Spec] = Spec


RECIPES: dict[str, Recipe] = {
    "distil": Recipe(distil, STARTER, "your reviews, your teacher, your student"),
    "demo": Recipe(distil, DEMO, "invented reviews and a small teacher made here: runs anywhere, in minutes"),
    "ablation": Recipe(distil, ABLATION, ABOUT),
    "soft-labels": Recipe(distil, SOFT_LABELS, ABOUT_SOFT),
    "compeffdist": Recipe(compeffdist, COMPEFFDIST, ABOUT_COMPEFFDIST, CompEffSpec),
    "fsa": Recipe(fsa, FSA, ABOUT_FSA, FsaSpec),
    "targeted": Recipe(targeted, TARGETED, ABOUT_TARGETED, TargetedSpec),
    "joint": Recipe(joint, JOINT, ABOUT_JOINT, JointSpec),
}


EVALUATED = "evaluate-student"
"""The stage whose score tells the cells of a grid apart."""


@dataclass(frozen=True)
class Plan:
    """A spec that was read, and what it stands for; with a grid, the pipeline is that of all its cells.

    `whole`: of a pilot, the run that it is one of, without the cells of its grid.
    """

    spec: Spec
    pipeline: Pipeline
    cells: tuple[Cell, ...] = ()
    whole: "Plan | None" = None

    @property
    def warnings(self) -> list[str]:
        """What the user may not have meant, a line each."""
        warning = unfiltered(self.spec)
        return [] if warning is None else [warning]


def recipe_called(name: Any) -> Recipe:
    """Raises ValueError with a suggestion."""
    if not isinstance(name, str) or name not in RECIPES:
        raise ValueError(f"no recipe is called {name!r}; {suggest(str(name), RECIPES)}")
    return RECIPES[name]


def load_pipeline(path: Path, overrides: list[str], limit: int | None = None) -> Plan:
    """Read, override, validate, build. With `limit` it is a pilot of so many reviews, under a name of its own.

    Raises ValueError for whatever is wrong with the file or with what it names.
    """
    document = read_spec(path, overrides)
    return build(document, str(path), limit)


def build(document: dict[str, Any], source: str, limit: int | None = None) -> Plan:
    """From a spec document to its pipeline. `source` names the document in errors. A pilot leaves the grid out."""
    recipe = recipe_called(document.get("recipe", "distil"))
    spec = validate(document, recipe.spec, source)
    if spec.grid is not None and limit is None:
        plan = _of_cells(recipe, document, spec, spec.grid, source)
    else:
        plan = Plan(spec, _built(recipe, spec, source))
    if spec.grid is None or limit is None:  # a pilot leaves out the cells, which alone may have the stage
        _refuse_asking_nobody(plan, source)
    if limit is None:
        return plan
    pilot = spec.piloted(limit)
    return Plan(pilot, _built(recipe, pilot, source), whole=plan)


def _built(recipe: Recipe, spec: Spec, source: str) -> Pipeline:
    try:
        return recipe.build(spec)
    except ValueError as error:
        raise ValueError(f"{source}: {error}") from error


def _of_cells(recipe: Recipe, document: dict[str, Any], spec: Spec, grid: Grid, source: str) -> Plan:
    try:
        found = list(variants(document, grid))
    except ValueError as error:
        raise ValueError(f"{source}: grid: {error}") from error
    cells = tuple(_cell(recipe, variant, source) for variant in found)
    return Plan(spec, united(spec.name, cells), cells)


def _refuse_asking_nobody(plan: Plan, source: str) -> None:
    """Failed rows of a stage that is not there cannot be asked again."""
    given = plan.spec.teacher.ask_again
    there = {*plan.pipeline.stages, *(label for cell in plan.cells for label in cell.stages)}
    for label in given if isinstance(given, dict) else ():
        if label not in there:
            known = [each for each in get_args(AskedAgain) if each in there]
            raise ValueError(f"{source}: teacher.ask_again: no stage is called {label!r} here; {suggest(label, known)}")


def _cell(recipe: Recipe, variant: Variant, source: str) -> Cell:
    """What one combination is measured by; other stages of the recipe are left out."""
    where = f"{source}, cell {variant.title}"
    spec = validate(variant.document, recipe.spec, where)
    pipeline = _built(recipe, spec, where)
    if EVALUATED not in pipeline.stages:
        raise ValueError(f"{where}: a grid compares scores; say in section `evaluate` what is measured")
    measured = [label for label in pipeline.stages if label.startswith("evaluate-")]
    return Cell(variant.choices, pipeline.leading_to(measured))

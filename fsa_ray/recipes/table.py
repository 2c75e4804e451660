"""The table of recipes, and the way from a YAML file to a pipeline."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fsa_ray.core.pipeline import Pipeline
from fsa_ray.recipes.demo import DEMO
from fsa_ray.recipes.distil import distil
from fsa_ray.recipes.spec import Spec, read_spec, suggest, validate
from fsa_ray.recipes.starter import STARTER


@dataclass(frozen=True)
class Recipe:
    """How a spec becomes a pipeline, and the spec that `fsa-ray init` writes."""

    build: Callable[[Spec], Pipeline]
    starter: dict[str, Any]
    about: str


RECIPES: dict[str, Recipe] = {
    "distil": Recipe(distil, STARTER, "your reviews, your teacher, your student"),
    "demo": Recipe(distil, DEMO, "invented reviews and a small teacher made here: runs anywhere, in minutes"),
}


@dataclass(frozen=True)
class Plan:
    """A spec that was read, and what it stands for."""

    spec: Spec
    pipeline: Pipeline


def recipe_called(name: Any) -> Recipe:
    """Raises ValueError with a suggestion."""
    if name not in RECIPES:
        raise ValueError(f"no recipe is called {name!r}; {suggest(str(name), RECIPES)}")
    return RECIPES[name]


def load_pipeline(path: Path, overrides: list[str], limit: int | None = None) -> Plan:
    """Read, override, validate, build. With `limit` it is a pilot of so many reviews, under a name of its own.

    Raises ValueError for whatever is wrong with the file or with what it names.
    """
    document = read_spec(path, overrides)
    return build(document, str(path), limit)


def build(document: dict[str, Any], source: str, limit: int | None = None) -> Plan:
    """From a spec document to its pipeline. `source` names the document in errors."""
    recipe = recipe_called(document.get("recipe", "distil"))
    spec = validate(document, Spec, source)
    if limit is not None:
        corpus = spec.corpus.model_copy(update={"limit": limit})
        spec = spec.model_copy(update={"corpus": corpus, "name": f"{spec.name}-pilot"})
    return Plan(spec, recipe.build(spec))

"""The list of keys: complete, described, and with the defaults that hold."""

import pytest
import yaml
from pydantic import BaseModel

from fsa_ray.cli.sections import SECTIONS
from fsa_ray.recipes.keys import keys_of
from fsa_ray.recipes.table import RECIPES

MODELS: dict[str, type[BaseModel]] = {name: recipe.spec for name, recipe in RECIPES.items()} | dict(SECTIONS)


def given(document: dict, before: str = "") -> set[str]:
    """The keys of a starter, without what is inside free mappings such as a model's config."""
    found = set()
    for name, value in document.items():
        path = f"{before}{name}"
        found.add(path)
        if isinstance(value, dict) and not path.endswith(("config", "grid", "weights")):
            found |= given(value, f"{path}.")
    return found


@pytest.mark.parametrize("name", MODELS)
def test_every_key_says_what_it_means(name: str) -> None:
    assert [key.path for key in keys_of(MODELS[name]) if not key.about] == []
    sections = [key.about for key in keys_of(MODELS[name]) if key.section] + [MODELS[name].__doc__ or ""]
    assert all(about.partition("\n")[0][-1] in ".)" or about[0].islower() for about in sections), sections


@pytest.mark.parametrize("name", RECIPES)
def test_every_key_of_a_starter_is_listed(name: str) -> None:
    assert given(RECIPES[name].starter) <= {key.path for key in keys_of(RECIPES[name].spec)}


def test_defaults_are_what_yaml_would_say() -> None:
    found = {key.path: key for key in keys_of(RECIPES["distil"].spec)}
    assert found["name"].default is None and not found["name"].section
    assert found["train"].section and found["train.lora"].section
    assert [yaml.safe_load(found[path].default or "") for path in ("trial", "train.betas", "corpus.limit")] == [
        0, [0.9, 0.999], None,
    ]  # fmt: skip
    assert found["train.soft_labels.weight"].default == "0.1"

"""What the options of `fsa-ray evaluate` mean."""

from collections.abc import Set as AbstractSet
from typing import Any, Self

import typer
from pydantic import BaseModel, ConfigDict, ValidationError

from fsa_ray.core.explain import explain
from fsa_ray.stages.questions import Answering
from fsa_ray.training.settings import Precision

SUITE_ONLY = (
    "name",
    "shots",
    "seeds",
    "generate",
    "interpret",
    "prefix",
    "calibrate",
    "structured",
    "chat",
    "max_length",
    "precision",
)


class Options(BaseModel):
    """How a suite is to be asked; None takes the suite's default."""

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

    @classmethod
    def of(cls, values: dict[str, Any]) -> Self:
        """Raises ValueError naming the option that is amiss."""
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise ValueError(explain(error, cls, "the options of evaluate")) from error


def given(context: typer.Context) -> set[str]:
    """Names of the parameters that stand on the command line."""
    sources = {name: context.get_parameter_source(name) for name in context.params}
    return {name for name, source in sources.items() if source is not None and source.name == "COMMANDLINE"}


def refuse_ignored(names: AbstractSet[str]) -> None:
    """ValueError naming the first given option of `evaluate` that would change nothing, and why."""
    if "predictions" in names:
        ignored = ("suite", *SUITE_ONLY, "limit", "placement", "root")
        _refuse(names, ignored, "a file of predictions is scored whole, and no model is asked")
    elif "suite" in names:
        _refuse(names, ("missing_as_wrong",), "in a suite what was not answered counts as wrong in any case")
    else:
        _refuse(names, SUITE_ONLY, "it says how a suite is asked or kept; add --suite NAME, or leave it out")
        _refuse(names, ("missing_as_wrong",), "it is for --predictions; a model that is asked leaves nothing out")
    if {"generate", "interpret"} <= names:
        raise ValueError("give --generate or --interpret, and not both")


def _refuse(names: AbstractSet[str], ignored: tuple[str, ...], why: str) -> None:
    for name in ignored:
        if name in names:
            raise ValueError(f"--{name.replace('_', '-')} would change nothing here: {why}")

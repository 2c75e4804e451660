"""From what the user names to what it stands for."""

import json
from pathlib import Path
from typing import cast

from pydantic import ValidationError

from fsa_ray.cli.sections import read_placement
from fsa_ray.core.local_copy import model_here
from fsa_ray.core.pipeline import RunIndex
from fsa_ray.core.placement import Placement
from fsa_ray.core.runner import load
from fsa_ray.core.stage import Stage
from fsa_ray.recipes.table import Plan, build
from fsa_ray.stages.model import GivenModel, Model, local_path
from fsa_ray.stages.suite import Evaluation
from fsa_ray.storage.folder import Folder

LONGEST_CONTEXT = 2048


def placement_at(path: Path | None) -> Placement:
    return Placement() if path is None else read_placement(path)


def with_budget(placement: Placement, planned: Plan) -> Placement:
    """The budget is the spec's, and the stages that spend it find it among the sections of where they run."""
    budget = planned.spec.budget.model_dump(exclude_none=True)
    return placement.model_copy(update={"sections": {**placement.sections, "budget": budget}})


def index_called(root: Folder, name: str) -> RunIndex:
    """The index of a named run. Raises ValueError listing the known names."""
    index = RunIndex.read(root, name)
    if index is None:
        names = RunIndex.names(root)
        known = f"there are: {', '.join(names)}" if names else f"nothing has run under {root.url} yet"
        raise ValueError(f"no run is called {name!r} here; {known} (another place? use --root)")
    return index


def run_called(root: Folder, name: str) -> tuple[RunIndex, Plan]:
    """The index of a named run and the pipeline that it stands for. Raises ValueError listing the known names."""
    index = index_called(root, name)
    return index, build(index.spec, f"the spec of run {name}")


def model_called(root: Folder, name: str) -> tuple[Stage[Model], Plan | None]:
    """The model in a directory or at a URL, or that of a run: RUN is its student, RUN/STAGE what another stage made.

    With it, the plan of the run. Raises ValueError listing the known names.
    """
    if "://" in name or Path(name).expanduser().is_dir():
        return GivenModel.at(name), None
    run, _, label = name.partition("/")
    _, planned = run_called(root, run)
    models = [label for label, stage in planned.pipeline.stages.items() if issubclass(stage.artifact_type(), Model)]
    if (label or "student") not in models:
        raise ValueError(f"run {run!r} has no model {label or 'student'!r}; it has: {', '.join(models)}")
    return cast("Stage[Model]", planned.pipeline.stages[label or "student"]), planned


def context_of(root: Folder, stage: Stage[Model]) -> int:
    """Tokens of prompt and answer together that a model is given where nobody says how many: what it was made for by
    its config.json, and never more than LONGEST_CONTEXT."""
    path = model_here(stage.path) if isinstance(stage, GivenModel) else local_path(root, load(root, stage))
    config = json.loads((Path(path) / "config.json").read_text(encoding="utf-8"))
    made_for = config.get("max_position_embeddings")
    if made_for is None and not config.get("is_encoder_decoder"):  # T5 has the key below, and positions without end
        made_for = config.get("n_positions")
    return min(LONGEST_CONTEXT, made_for or LONGEST_CONTEXT)


def evaluation_called(root: Folder, name: str) -> Evaluation:
    """Raises ValueError listing the evaluations that there are."""
    folder = root / "evaluations"
    if not folder.exists(f"{name}.json"):
        known = ", ".join(sorted(found.removesuffix(".json") for found in folder.names() if found.endswith(".json")))
        raise ValueError(f"no evaluation is called {name!r} under {root.url}; there are: {known or 'none'}")
    try:
        return Evaluation.model_validate_json(folder.get(f"{name}.json"))
    except ValidationError as error:
        raise ValueError(
            f"{folder.url}/{name}.json was written by another version; remove it and evaluate again"
        ) from error

"""What a training is asked for that it cannot do: refused when the recipe is built, before a teacher is paid."""

from fsa_ray.recipes.spec import Spec
from fsa_ray.training.settings import TrainSettings


def refuse_soft_labels(where: str, settings: TrainSettings) -> None:
    """Raises ValueError if label words are to be weighed where no answer begins with one."""
    if settings.soft_labels is not None:
        raise ValueError(f"{where}.soft_labels: no answer here begins with a label word; leave it out")


def require_weighed_analyses(spec: Spec, where: str, settings: TrainSettings) -> None:
    """Raises ValueError if soft labels are asked of a teacher that gives none with its analyses."""
    given = spec.teacher
    if settings.soft_labels is None:
        return
    refuse_endpoint(spec, where, settings)
    if "analysis" not in given.prompts:
        refuse_soft_labels(where, settings)
    if given.style == "json" and not given.weigh_labels:
        raise ValueError(f"{where}.soft_labels: an analysis in JSON tells no probabilities; set teacher.weigh_labels")


def refuse_endpoint(spec: Spec, where: str, settings: TrainSettings) -> None:
    """Raises ValueError if soft labels are asked of an endpoint."""
    if settings.soft_labels is not None and spec.teacher.endpoint is not None:
        raise ValueError(f"{where}.soft_labels: an endpoint does not tell the probabilities of label words")

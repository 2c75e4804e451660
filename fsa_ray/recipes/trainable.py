"""What a training is asked for that it cannot do: refused when the recipe is built, before a teacher is paid."""

from fsa_ray.recipes.spec import Spec
from fsa_ray.training.settings import TrainSettings


def refuse_soft_labels(where: str, settings: TrainSettings) -> None:
    """Raises ValueError if label words are to be weighed where no answer begins with one."""
    if settings.soft_labels is not None:
        raise ValueError(f"{where}.soft_labels: no answer here begins with a label word; leave it out")


def require_weighed_analyses(spec: Spec, where: str) -> None:
    """Raises ValueError if `where` asks for probabilities of label words and the teacher gives none with analyses."""
    refuse_endpoint(spec, where)
    if "analysis" not in spec.teacher.prompts:
        raise ValueError(f"{where}: no answer here begins with a label word; leave it out")
    if spec.teacher.style == "json" and not spec.teacher.weigh_labels:
        raise ValueError(f"{where}: an analysis in JSON tells no probabilities; set teacher.weigh_labels")


def refuse_endpoint(spec: Spec, where: str) -> None:
    """Raises ValueError if `where` asks an endpoint for probabilities of label words."""
    if spec.teacher.endpoint is not None:
        raise ValueError(f"{where}: an endpoint does not tell the probabilities of label words")

"""P-Stance: stance of tweets towards a named politician."""

from fsa_ray.evaluation.classification import ClassificationTask

TASK = ClassificationTask(
    name="pstance",
    folder="multifaced/pstance",
    labels=("against", "favor"),
    sizes={"train": 3000, "val": 300, "test": 2157},
    instruction=(
        "You are given a tweet about {target}. Decide whether its author is in favor of {target} or against {target}."
    ),
    extra_fields=("target",),
)

"""Irony18: irony in tweets."""

from fsa_ray.evaluation.classification import ClassificationTask

TASK = ClassificationTask(
    name="irony18",
    folder="multifaced/irony18",
    labels=("non-irony", "irony"),
    sizes={"train": 3000, "val": 300, "test": 784},
    instruction=(
        "You are given a tweet. Decide whether its author means it ironically (irony) or as it is written (non-irony)."
    ),
)

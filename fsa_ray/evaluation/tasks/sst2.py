"""SST2: sentiment of sentences from film reviews."""

from fsa_ray.evaluation.classification import ClassificationTask

TASK = ClassificationTask(
    name="sst2",
    folder="sc/sst2",
    labels=("negative", "positive"),
    sizes={"train": 3000, "val": 300, "test": 1821},
    instruction=(
        "You are given a sentence from a film review. Decide whether it speaks well of the film (positive) or badly "
        "(negative)."
    ),
)

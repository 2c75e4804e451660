"""Twitter17: sentiment of tweets."""

from fsa_ray.evaluation.classification import ClassificationTask

TASK = ClassificationTask(
    name="twitter",
    folder="sc/twitter",
    labels=("negative", "positive", "neutral"),
    sizes={"train": 3000, "val": 300, "test": 1000},
    instruction=(
        "You are given a tweet. Decide whether the feeling that it expresses is negative, positive, or neither "
        "(neutral)."
    ),
)

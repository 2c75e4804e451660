"""IMDb: sentiment of whole film reviews."""

from fsa_ray.evaluation.classification import ClassificationTask

TASK = ClassificationTask(
    name="imdb",
    folder="sc/imdb",
    labels=("negative", "positive"),
    sizes={"train": 3000, "val": 300, "test": 1000},
    instruction=(
        "You are given a film review. Decide whether its author, taken as a whole, recommends the film (positive) "
        "or not (negative)."
    ),
)

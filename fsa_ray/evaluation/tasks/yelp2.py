"""Yelp2: sentiment of whole business reviews."""

from fsa_ray.evaluation.classification import ClassificationTask

TASK = ClassificationTask(
    name="yelp2",
    folder="sc/yelp2",
    labels=("negative", "positive"),
    sizes={"train": 3000, "val": 300, "test": 1000},
    instruction=(
        "You are given a customer's review of a business. Decide whether the customer was satisfied on the whole "
        "(positive) or dissatisfied (negative)."
    ),
)

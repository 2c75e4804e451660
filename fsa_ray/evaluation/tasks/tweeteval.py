"""Emotion20: the emotion of tweets."""

from fsa_ray.evaluation.classification import ClassificationTask

TASK = ClassificationTask(
    name="tweeteval",
    folder="multifaced/tweeteval",
    labels=("anger", "joy", "sadness", "optimism"),
    sizes={"train": 3000, "val": 300, "test": 1421},
    instruction=("You are given a tweet. Decide which emotion prevails in it: anger, joy, sadness or optimism."),
)

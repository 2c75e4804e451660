"""MINT-English: how intimate tweets are, in three grades."""

from fsa_ray.evaluation.classification import ClassificationTask

TASK = ClassificationTask(
    name="intimacy",
    folder="multifaced/intimacy",
    labels=("not intimate", "moderately intimate", "highly intimate"),
    sizes={"train": 1287, "val": 300, "test": 396},
    instruction=(
        "You are given a tweet. Judge how intimate, that is how personal and private, it is: not intimate, "
        "moderately intimate or highly intimate."
    ),
    spellings={"not": "not intimate", "moderately": "moderately intimate", "highly": "highly intimate"},
)

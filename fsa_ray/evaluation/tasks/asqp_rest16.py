"""Rest16: sentiment quadruples of restaurant reviews. The data's key for them is spelled `quards`."""

from fsa_ray.evaluation.aspects import REST16_CATEGORIES, category_name
from fsa_ray.evaluation.extraction import ExtractionTask
from fsa_ray.evaluation.item import Entry, Record
from fsa_ray.evaluation.spans import normal

CATEGORIES = (*REST16_CATEGORIES, "food general")


def quadruples(record: Record) -> list[Entry]:
    """Entries of the record; an implied aspect term (NULL) is None."""
    return [
        {
            "aspect_term": normal(quad["aspect"]),
            "aspect_category": category_name(quad["category"]),
            "opinion": quad["opinion"],
            "sentiment": quad["sentiment"],
        }
        for quad in record["quards"]
    ]


TASK = ExtractionTask(
    name="asqp_rest16",
    version=2,
    folder="absa/asqp_rest16",
    labels=CATEGORIES,
    sizes={"train": 1264, "val": 316, "test": 544},
    instruction=(
        "You are given a sentence from a restaurant review. List each opinion in it as four parts: the aspect term "
        "(copied, or NULL if the thing judged is only implied), the aspect category, the opinion words (copied) and "
        f"the sentiment: positive, negative or neutral. Use only these categories: {', '.join(CATEGORIES)}."
    ),
    fields=("aspect_term", "aspect_category", "opinion", "sentiment"),
    category="aspect_category",
    spans=("aspect_term", "opinion"),
    optional=("aspect_term",),
    reader=quadruples,
)

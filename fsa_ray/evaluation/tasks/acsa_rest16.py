"""Rest16: aspect categories of restaurant reviews with their sentiment. The official layout has no val split."""

from fsa_ray.evaluation.aspects import REST16_CATEGORIES, aspect_categories
from fsa_ray.evaluation.extraction import ExtractionTask

TASK = ExtractionTask(
    name="acsa_rest16",
    version=2,
    folder="absa/acsa_rest16",
    labels=REST16_CATEGORIES,
    sizes={"train": 2000, "test": 676},
    id_field="ID",
    instruction=(
        "You are given a sentence from a restaurant review. List each aspect category that it judges, with the "
        "sentiment towards it: positive, negative or neutral. Use only these categories: "
        f"{', '.join(REST16_CATEGORIES)}."
    ),
    fields=("aspect_category", "sentiment"),
    category="aspect_category",
    reader=aspect_categories,
)

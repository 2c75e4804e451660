"""Rest16: aspect terms of restaurant reviews with their sentiment. The official layout has no val split."""

from fsa_ray.evaluation.aspects import aspect_terms
from fsa_ray.evaluation.extraction import ExtractionTask

TASK = ExtractionTask(
    name="atsa_rest16",
    version=2,
    folder="absa/atsa_rest16",
    labels=(),
    sizes={"train": 2000, "test": 676},
    id_field="ID",
    instruction=(
        "You are given a sentence from a restaurant review. List each aspect term, that is each wording of the "
        "sentence that names something judged, with the sentiment towards it: positive, negative or neutral. "
        "Copy terms exactly as they are written."
    ),
    fields=("aspect_term", "sentiment"),
    spans=("aspect_term",),
    reader=aspect_terms,
)

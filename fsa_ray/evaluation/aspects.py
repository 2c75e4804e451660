"""Reading the gold of aspect-based sets (SemEval layout: `aspects` with from, to, target, category, polarity)."""

from typing import Any

from fsa_ray.evaluation.item import Entry, Record
from fsa_ray.evaluation.spans import covers, normal


def aspect_terms(record: Record) -> list[Entry]:
    """(aspect_term, sentiment) entries, by numeric offset; aspects without a term are left out. ValueError for a term
    that is not at its offsets."""
    found: list[Entry] = []
    for aspect in record["aspects"]:
        term = normal(aspect["target"])
        if term is None:
            continue
        start, end = int(aspect["from"]), int(aspect["to"])
        if not covers([(start, end)], term, record["sentence"]):
            raise ValueError(f"aspect term {term!r} is not at {start}:{end} of the sentence")
        found.append({"aspect_term": term, "aspect_term_offsets": [[start, end]], "sentiment": aspect["polarity"]})
    return sorted(found, key=_start)


def _start(entry: Entry) -> Any:
    return entry["aspect_term_offsets"][0]


def aspect_categories(record: Record) -> list[Entry]:
    """(aspect_category, sentiment) entries in file order, repeats kept; `FOOD#QUALITY` becomes `food quality`."""
    return [
        {"aspect_category": category_name(aspect["category"]), "sentiment": aspect["polarity"]}
        for aspect in record["aspects"]
    ]


def category_name(category: str) -> str:
    """The category in the words of prompts and answers."""
    return category.lower().replace("#", " ")


REST16_CATEGORIES = tuple(
    f"{entity} {attribute}"
    for entity, attributes in {
        "restaurant": ("general", "prices", "miscellaneous"),
        "food": ("quality", "prices", "style_options"),
        "drinks": ("quality", "prices", "style_options"),
        "ambience": ("general",),
        "service": ("general",),
        "location": ("general",),
    }.items()
    for attribute in attributes
)

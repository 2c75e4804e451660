"""One form for every entry of a list answer, wherever it comes from: labels, a teacher, a student."""

from collections.abc import Sequence
from typing import Literal

from fsa_ray.sentiment.alignment.labelled import Entry
from fsa_ray.sentiment.answers import Dropped, clean_value
from fsa_ray.sentiment.grounding import FoldedText

Field = Literal["target", "aspect", "evidence", "polarity"]

LONGEST_VALUE = 400
_NO_TARGET = {"", "-", "null", "none", "n/a", "implied", "implicit"}
_AROUND = " \"'“”‘’«»`.,;*-"


def settle(
    fields: Sequence[Field], values: Sequence[str | None], review: FoldedText, *, implied: bool
) -> Entry | Dropped:
    """The entry that `values` (one per field, the polarity canonical) stand for.

    Targets and evidence get the spelling of their first place in the review; aspects are lower-case words. A target may
    be left out where it may be `implied`. Reasons: fields (a value is missing or long), invented (not in the review).
    """
    settled: list[str | None] = []
    for field, value in zip(fields, values, strict=True):
        words = clean_value(value or "")
        if len(words) > LONGEST_VALUE:
            return Dropped("fields", f"the {field} is long: {words[:160]}")
        if field == "target" and words.lower() in _NO_TARGET:
            if not implied:
                return Dropped("fields", "no target")
            settled.append(None)
            continue
        if field == "aspect":
            # The bar separates the cells of a line.
            found: str | None = clean_value(words.replace("|", " ")).lower()
        elif field == "polarity":
            found = words
        else:
            found = review.find(words) or review.find(words.strip(_AROUND))
        if not words or found == "":
            return Dropped("fields", f"no {field}")
        if found is None:
            return Dropped("invented", f"{field}: {words[:160]}")
        settled.append(found)
    return tuple(settled)

"""The gold answer about emotions: one short sentence for each feeling."""

from collections.abc import Mapping, Sequence

from fsa_ray.schemas.opinion import Opinion
from fsa_ray.sentiment.synthetic.naming import listed, quoted, thing

# What people feel depends on what it is about: one is angry at persons and disappointed with things.
USUAL = {"positive": "Joy over", "negative": "Disappointment with", "neutral": "Indifference to"}
PERSONS = ("service", "staff", "support", "crew")
BY_ASPECT: Mapping[str, Mapping[str, str]] = {
    "positive": dict.fromkeys(PERSONS, "Gratitude for")
    | dict.fromkeys(("prices", "value", "quality", "build", "battery", "fit"), "Satisfaction with")
    | dict.fromkeys(("plot", "acting", "visuals", "graphics", "display", "camera", "story"), "Admiration for"),
    "negative": dict.fromkeys(PERSONS, "Anger at")
    | dict.fromkeys(("prices", "value", "baggage", "punctuality", "delivery"), "Annoyance at")
    | dict.fromkeys(("performance", "software", "online play"), "Impatience with")
    | dict.fromkeys(("cleanliness",), "Disgust at"),
    "neutral": {},
}
MOOD = {"positive": "The mood is happy.", "negative": "The mood is unhappy.", "neutral": "The mood is mixed."}
CALM = "The mood is calm."
NOTHING = "No emotion: the writer only states facts."


def feel(polarity: str, opinions: Sequence[Opinion]) -> str:
    """Each emotion with what it is about and the words that show it, in the order of the review; then the mood."""
    groups: dict[str, list[str]] = {}
    for opinion in opinions:
        emotion = BY_ASPECT[opinion.polarity].get(opinion.aspect, USUAL[opinion.polarity])
        groups.setdefault(emotion, []).append(f"{thing(opinion)} ({quoted(opinion.evidence)})")
    if not groups:
        return NOTHING
    sentences = [f"{emotion} {listed(causes)}." for emotion, causes in groups.items()]
    moved = any(opinion.polarity != "neutral" for opinion in opinions)
    return " ".join([*sentences, MOOD[polarity] if moved else CALM])

"""The gold rewriting: the review's opinions said plainly."""

from collections.abc import Sequence

from fsa_ray.schemas.opinion import POLARITIES, Opinion

# The wording depends on the aspect of the first opinion, so that it varies and can be learned.
FEELINGS = {
    "positive": ("I am happy with {}.", "I really liked {}.", "{} delighted me."),
    "negative": ("I am unhappy with {}.", "I was upset about {}.", "{} disappointed me."),
    "neutral": ("I have no strong feelings about {}.", "{} left me cold.", "I neither liked nor disliked {}."),
}
OVERALL = {
    "positive": "Overall I feel good about it.",
    "negative": "Overall I feel bad about it.",
    "neutral": "Overall I have mixed feelings.",
}
NOTHING = "I only state facts here and feel nothing about it."


def rewrite(polarity: str, opinions: Sequence[Opinion]) -> str:
    """A short first-person paraphrase that names each feeling and what it is about; hints are spelled out."""
    sentences = []
    for feeling in POLARITIES:
        group = [o for o in opinions if o.polarity == feeling and (o.target or o.aspect != "general")]
        if group:
            wordings = FEELINGS[feeling]
            sentence = wordings[len(group[0].aspect) % len(wordings)].format(_listed(group))
            sentences.append(sentence[0].upper() + sentence[1:])
    return " ".join([*sentences, OVERALL[polarity]]) if opinions else NOTHING


def _listed(opinions: Sequence[Opinion]) -> str:
    names = [f"the {o.target}" if o.target else f"the {o.aspect} ({o.evidence})" for o in opinions]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"

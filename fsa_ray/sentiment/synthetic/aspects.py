"""The gold answer about aspects: a line for each side of the thing, and how they weigh."""

from collections.abc import Sequence

from fsa_ray.schemas.opinion import Opinion
from fsa_ray.sentiment.answers import clean_value
from fsa_ray.sentiment.synthetic.naming import WHOLE, listed, quoted, thing

SPEAKS = {"positive": "speaks for", "negative": "speaks against", "neutral": "speaks neither for nor against"}
OPPOSITE = {"positive": ("good", "bad", "negative"), "negative": ("bad", "good", "positive")}
NOTHING = "Overall: neutral, no side is judged."


def weigh(polarity: str, opinions: Sequence[Opinion]) -> str:
    """What is said of each aspect and its verdict, in the order of the review; then the whole and why."""
    sides: dict[str, list[Opinion]] = {}
    for opinion in opinions:
        if opinion.aspect != WHOLE:
            sides.setdefault(opinion.aspect, []).append(opinion)
    lines = [_side(aspect, group) for aspect, group in sides.items()]
    return "\n".join([*lines, _whole(polarity, opinions)]) if opinions else NOTHING


def _side(aspect: str, opinions: Sequence[Opinion]) -> str:
    said = listed([f"{quoted(o.evidence)} {SPEAKS[o.polarity]} {thing(o) if o.target else 'it'}" for o in opinions])
    feelings = {o.polarity for o in opinions}
    verdict = feelings.pop() if len(feelings) == 1 else "mixed"
    return f"{clean_value(aspect).capitalize()}: {said}; {verdict}."


def _whole(polarity: str, opinions: Sequence[Opinion]) -> str:
    verdict = next((o for o in opinions if o.aspect == WHOLE and o.polarity == polarity), None)
    feelings = {o.polarity for o in opinions}
    if verdict is not None:
        why = f"the writer says {quoted(verdict.evidence)}"
    elif polarity == "neutral":
        why = "good and bad balance" if "positive" in feelings else "nothing moves the writer"
    else:
        winner, loser, against = OPPOSITE[polarity]
        why = f"the {winner} outweighs the {loser}" if against in feelings else f"nothing {loser} is said"
    return f"Overall: {polarity}, {why}."

"""The gold answer about intent: what the writer does, wants, and thinks of the whole."""

from collections.abc import Mapping, Sequence

from fsa_ray.schemas.opinion import POLARITIES, Opinion
from fsa_ray.sentiment.synthetic.naming import WHOLE, listed, quoted, thing

ACTS = {"positive": "praises", "negative": "complains about", "neutral": "takes note of"}
# What the words of a judgement of the whole announce; the first that fits, else the last.
AIMS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "positive": (
        ("recommend", "Recommends it"),
        ("try it", "Recommends it"),
        ("thumbs up", "Recommends it"),
        ("come back", "Wants to return"),
        ("planning", "Wants to return"),
        ("", "Shares a good experience"),
    ),
    "negative": (
        ("money back", "Wants the money back"),
        ("never again", "Will not return"),
        ("avoid", "Warns others"),
        ("stay away", "Warns others"),
        ("elsewhere", "Warns others"),
        ("thumbs down", "Warns others"),
        ("", "Shares a bad experience"),
    ),
    "neutral": (("", "Leaves the choice to others"),),
}
STANCES = {"positive": "Stance: for it.", "negative": "Stance: against it.", "neutral": "Stance: undecided."}
NOTHING = "The writer only informs. Stance: none."


def intend(polarity: str, opinions: Sequence[Opinion]) -> str:
    """What is praised and what is blamed; what a judgement of the whole announces; the stance."""
    if not opinions:
        return NOTHING
    acts = []
    for feeling in POLARITIES:
        things = [thing(o) for o in opinions if o.polarity == feeling and o.aspect != WHOLE]
        if things:
            acts.append(f"{ACTS[feeling]} {listed(things)}")
    sentences = [f"The writer {listed(acts)}."] if acts else []
    sentences += [f"{_aim(o)} ({quoted(o.evidence)})." for o in opinions if o.aspect == WHOLE]
    return " ".join([*sentences, STANCES[polarity]])


def _aim(verdict: Opinion) -> str:
    words = verdict.evidence.lower()
    return next(aim for cue, aim in AIMS[verdict.polarity] if cue in words)

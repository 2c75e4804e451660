"""The gold interpretation: a block of four lines for each opinion."""

from collections.abc import Sequence
from functools import cache

from fsa_ray.schemas.opinion import Opinion
from fsa_ray.sentiment.answers import clean_value
from fsa_ray.sentiment.interpretation import NOTHING
from fsa_ray.sentiment.synthetic.lexicon import lexicon
from fsa_ray.sentiment.synthetic.naming import WHOLE, quoted

SHOWN = {"positive": "praise", "negative": "criticism", "neutral": "indifference"}
IMPLIED = "implied"
DENIAL = "not call"  # of "I would not call it good"
LONGEST = 6  # words that an opinion word has at most


def interpret(polarity: str, opinions: Sequence[Opinion]) -> str:
    """Target, aspect, sentiment and reasoning of each opinion, in their order. `polarity` does not matter."""
    return "\n\n".join(_block(number, opinion) for number, opinion in enumerate(opinions, 1)) or NOTHING


def explicit(opinion: Opinion) -> bool:
    """Whether the evidence says the feeling itself: a judgement of the whole, or a word of praise or blame at its end.

    Holds for invented reviews, whose words are known; everything else tells a fact that implies the feeling.
    """
    words = opinion.evidence.lower().split()[-LONGEST:]
    return opinion.aspect == WHOLE or any(" ".join(words[at:]) in _opinion_words() for at in range(len(words)))


@cache
def _opinion_words() -> frozenset[str]:
    known = lexicon("test")
    groups: list[Sequence[str]] = [(DENIAL,), *known.general.words.values(), *known.general.verbs.values()]
    for domain in known.domains.values():
        for aspect in domain.aspects.values():
            groups += [aspect.positive, aspect.negative]
    return frozenset(word.lower() for group in groups for word in group)


def _block(number: int, opinion: Opinion) -> str:
    manner = "explicit" if explicit(opinion) else "implicit"
    return (
        f"Opinion Target {number}: {quoted(opinion.target or IMPLIED)}\n"
        f"Aspect: {clean_value(opinion.aspect)}\n"
        f"Sentiment: {opinion.polarity}\n"
        f"Reasoning: {quoted(opinion.evidence)} is {manner} {SHOWN[opinion.polarity]}."
    )

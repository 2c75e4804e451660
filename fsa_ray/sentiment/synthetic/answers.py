"""Gold answers: what a perfect teacher says about an invented review, where its labels determine that."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from fsa_ray.schemas.opinion import Opinion, Polarity
from fsa_ray.sentiment.answers import render_compact
from fsa_ray.sentiment.synthetic.aspects import weigh
from fsa_ray.sentiment.synthetic.emotion import feel
from fsa_ray.sentiment.synthetic.intent import intend
from fsa_ray.sentiment.synthetic.interpretation import interpret
from fsa_ray.sentiment.synthetic.rewriting import rewrite

# How a review is said (rhetoric) and what must be known (background) is not in its labels.
GOLD: Mapping[str, Callable[[Polarity, Sequence[Opinion]], str]] = MappingProxyType(
    {
        "analysis": render_compact,
        "rewriting": rewrite,
        "interpretation": interpret,
        "emotion": feel,
        "intent": intend,
        "aspects": weigh,
    }
)


def gold_answer(kind: str, polarity: Polarity, opinions: Sequence[Opinion]) -> str:
    """The answer to a prompt of this kind about an invented review with these labels.

    Errors: ValueError if the labels do not determine such an answer.
    """
    render = GOLD.get(kind)
    if render is None:
        raise ValueError(f"no gold answers of kind {kind!r}: choose one of {', '.join(GOLD)}")
    return render(polarity, opinions)

"""The words that reviews are made of, and which split may use which of them."""

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict

from fsa_ray.schemas.opinion import Polarity

Split = Literal["train", "corpus", "test", "novel"]
SPLITS: tuple[str, ...] = get_args(Split)

WORDS = Path(__file__).parent / "words"
TEST_ONLY = 3  # per cent of the words that only test and novel may use
NOT_IN_TRAIN = 8  # per cent of the words that train may not use, the former among them

T = TypeVar("T")
ByPolarity = dict[Polarity, tuple[str, ...]]


class Words(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Aspect(Words):
    targets: tuple[str, ...]
    plurals: tuple[str, ...]
    modifiers: tuple[str, ...] = ()
    positive: tuple[str, ...]
    negative: tuple[str, ...]
    implied: ByPolarity


class Domain(Words):
    whole: tuple[str, ...]
    facts: tuple[str, ...]
    aspects: dict[str, Aspect]


class General(Words):
    words: ByPolarity
    verbs: ByPolarity
    frames: dict[str, tuple[str, ...]]
    negations: ByPolarity
    contrasts: tuple[str, ...]
    continuations: tuple[str, ...]
    adverbs: tuple[str, ...]
    verdicts: ByPolarity
    fillers: tuple[str, ...]
    emoji: ByPolarity
    hashtags: ByPolarity
    slots: dict[str, tuple[str, ...]]
    facts: tuple[str, ...]


@dataclass(frozen=True)
class Lexicon:
    """What one split may use."""

    general: General
    domains: dict[str, Domain]


def allowed(item: str, split: Split) -> bool:
    """Whether `split` may use this target, opinion word or phrase. Depends on the item's own letters alone.

    train lacks about one in twelve of the items; corpus lacks those that only test has; test has all; novel has none
    that train has.
    """
    bucket = int.from_bytes(hashlib.sha256(item.encode()).digest()[:4], "big") % 100
    if split == "train":
        return bucket >= NOT_IN_TRAIN
    if split == "corpus":
        return bucket >= TEST_ONLY
    return split == "test" or bucket < NOT_IN_TRAIN


def restrict(items: tuple[str, ...], split: Split) -> tuple[str, ...]:
    """The items that `split` may use; all of them where that would leave nothing."""
    return tuple(item for item in items if allowed(item, split)) or items


def _restrict_aspect(aspect: Aspect, split: Split) -> Aspect:
    return Aspect(
        targets=restrict(aspect.targets, split),
        plurals=restrict(aspect.plurals, split),
        modifiers=restrict(aspect.modifiers, split),
        positive=restrict(aspect.positive, split),
        negative=restrict(aspect.negative, split),
        implied=_restrict_each(aspect.implied, split),
    )


def _restrict_each(items: ByPolarity, split: Split) -> ByPolarity:
    return {polarity: restrict(group, split) for polarity, group in items.items()}


def _read(name: str) -> Any:
    return yaml.safe_load((WORDS / f"{name}.yaml").read_text(encoding="utf-8"))


DOMAINS = ("restaurant", "hotel", "laptop", "phone", "movie", "clothing", "airline", "game")


@cache
def lexicon(split: Split) -> Lexicon:
    """The words that `split` may use. Frames, facts and slots are shared by all splits."""
    if split not in SPLITS:
        raise ValueError(f"unknown split {split!r}: use one of {', '.join(SPLITS)}")
    general = General.model_validate(_read("general"))
    general = general.model_copy(
        update={
            "words": _restrict_each(general.words, split),
            "verbs": _restrict_each(general.verbs, split),
            "verdicts": _restrict_each(general.verdicts, split),
        }
    )
    domains = {}
    for name in DOMAINS:
        domain = Domain.model_validate(_read(name))
        aspects = {key: _restrict_aspect(aspect, split) for key, aspect in domain.aspects.items()}
        domains[name] = domain.model_copy(update={"aspects": aspects})
    return Lexicon(general, domains)

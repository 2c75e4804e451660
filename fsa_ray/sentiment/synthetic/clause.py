"""Clauses: one statement about one or two targets, or a fact."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random

from fsa_ray.schemas.opinion import Polarity
from fsa_ray.sentiment.synthetic.frame import Piece, fill, slots
from fsa_ray.sentiment.synthetic.lexicon import Aspect, Domain, General

KINDS = ("adjective", "verb", "negation", "reversal", "implied", "pair")
WEIGHTS = (35, 12, 13, 12, 24, 4)
NEUTRAL_KINDS, NEUTRAL_WEIGHTS = ("adjective", "verb", "reversal", "pair"), (64, 19, 12, 5)
OPPOSITE: dict[Polarity, Polarity] = {"positive": "negative", "negative": "positive"}


@dataclass(slots=True)
class Draft:
    """An opinion whose spans are not placed yet."""

    aspect: str
    polarity: Polarity
    target: str | None = None
    evidence: str = ""


@dataclass
class Writer:
    """Writes the clauses of one review; never speaks of one target twice."""

    rng: Random
    general: General
    domain: Domain
    opinions: list[Draft] = field(default_factory=list)
    used: set[str] = field(default_factory=set)

    def opinion(self, polarity: Polarity) -> list[Piece]:
        """A clause with one opinion, or two about a pair of targets."""
        name = self.rng.choice(tuple(self.domain.aspects))
        aspect = self.domain.aspects[name]
        if polarity == "neutral":
            kind = self.rng.choices(NEUTRAL_KINDS, NEUTRAL_WEIGHTS)[0]
        else:
            kind = self.rng.choices(KINDS, WEIGHTS)[0]
        return self._write(self._frame(kind, aspect, polarity), name, polarity, verb=kind == "verb")

    def verdict(self, polarity: Polarity) -> list[Piece]:
        """A judgement of the whole."""
        frame = self.rng.choice(self.general.verdicts[polarity])
        values = self._slots(frame) | {"whole": self.rng.choice(self.domain.whole)}
        number = self._note("general", polarity)
        return fill(frame, values, {"whole" if "whole" in slots(frame) else "": number})

    def fact(self) -> list[Piece]:
        """A sentence without an opinion; it may name targets."""
        pool = self.domain.facts if self.rng.random() < 0.5 else self.general.facts
        plain = tuple(frame for frame in pool if "t" not in slots(frame))
        frame = self.rng.choice(pool if self.rng.random() < 0.3 else plain)
        values = self._slots(frame)
        for slot in ("t", "t2"):
            if slot in slots(frame):
                values[slot] = self._target(self.rng.choice(tuple(self.domain.aspects.values())))[0]
        return fill(frame, values, {})

    def _frame(self, kind: str, aspect: Aspect, polarity: Polarity) -> str:
        if kind == "implied":
            return self.rng.choice(aspect.implied[polarity])
        if kind == "negation":
            return self.rng.choice(self.general.negations[polarity])
        return self.rng.choice(self.general.frames[kind])

    def _write(self, frame: str, name: str, polarity: Polarity, verb: bool) -> list[Piece]:
        names = slots(frame)
        aspect = self.domain.aspects[name]
        values = self._slots(frame)
        numbers: dict[str, int] = {}
        for slot in ("t", "t2"):
            if slot in names:
                values[slot], plural = self._target(aspect)
                values["it"] = "they" if plural else "it"
                values["is"] = self.rng.choice(("were", "are") if plural else ("was", "was", "is"))
                numbers[slot] = self._note(name, polarity)
        if "w" in names:
            words = self.general.verbs[polarity] if verb else self._words(aspect, polarity)
            values["w"] = self.rng.choice(words)
        if "o" in names:
            other = self._opposite(polarity)
            single = [word for word in self._words(aspect, other) if " " not in word]
            values["o"] = self.rng.choice(single or ["great" if other == "positive" else "bad"])
        return fill(frame, values, numbers or {"": self._note(name, polarity)})

    def _words(self, aspect: Aspect, polarity: Polarity) -> tuple[str, ...]:
        if polarity == "neutral" or self.rng.random() < 0.35:
            return self.general.words[polarity]
        return aspect.positive if polarity == "positive" else aspect.negative

    def _opposite(self, polarity: Polarity) -> Polarity:
        return OPPOSITE[polarity] if polarity in OPPOSITE else self.rng.choice(tuple(OPPOSITE))

    def _note(self, aspect: str, polarity: Polarity) -> int:
        self.opinions.append(Draft(aspect, polarity))
        return len(self.opinions) - 1

    def _target(self, aspect: Aspect) -> tuple[str, bool]:
        """A target that this review has not named yet, and whether it is a plural."""
        while True:
            plural = self.rng.random() < len(aspect.plurals) / (len(aspect.plurals) + len(aspect.targets))
            noun = self.rng.choice(aspect.plurals if plural else aspect.targets)
            if noun in self.used and self.rng.random() < 0.95:
                continue
            self.used.add(noun)
            if aspect.modifiers and self.rng.random() < 0.3:
                noun = f"{self.rng.choice(aspect.modifiers)} {noun}"
            return noun, plural

    def _slots(self, frame: str) -> dict[str, str]:
        general: Mapping[str, tuple[str, ...]] = self.general.slots
        values = {slot: self.rng.choice(general[slot]) for slot in slots(frame) if slot in general}
        if "a" in slots(frame):
            values["a"] = f"{self.rng.choice(self.general.adverbs)} " if self.rng.random() < 0.4 else ""
        return values

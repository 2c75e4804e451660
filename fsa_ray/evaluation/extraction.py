"""Pair and quadruple extraction: a list of opinions per sentence, scored by micro-F1 of exact matches."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fsa_ray.evaluation.item import Entry, Item, Prediction, Record, folded
from fsa_ray.evaluation.metrics import precision_recall_f1
from fsa_ray.evaluation.spans import Span, normal, places, read_offsets, settled
from fsa_ray.evaluation.task import Floats, GoldReader, Judgement, Protocol, Task

Key = tuple[str | None, ...]

Place = tuple[tuple[Span, ...] | None, ...]
"""For each copied field, where its parts stand; None where that is open."""


@dataclass(frozen=True, kw_only=True)
class EntryTask(Task):
    """A list of entries per sentence, each with the same `fields`, the last of which is the polarity."""

    fields: tuple[str, ...]
    reader: GoldReader
    polarities: tuple[str, ...] = ("positive", "negative", "neutral")
    spans: tuple[str, ...] = ()  # fields that are copied from the sentence
    optional: tuple[str, ...] = ()  # fields that may be missing in a legal entry

    def read_gold(self, record: Record) -> list[Entry]:
        entries = self.reader(record)
        for entry in entries:
            if entry[self.fields[-1]] not in self.polarities:
                raise ValueError(f"polarity {entry[self.fields[-1]]!r} is none of {', '.join(self.polarities)}")
        return entries

    def check(self, value: object) -> Prediction:
        if value is None:
            return None
        if not isinstance(value, list):
            raise ValueError(f"expected a list of objects with {', '.join(self.fields)}, got {value!r:.60}")
        for number, entry in enumerate(value):
            if not isinstance(entry, dict) or (lost := [name for name in self.fields if name not in entry]):
                raise ValueError(
                    f"entry {number} should be an object with {', '.join(self.fields)}"
                    + (f"; it lacks {', '.join(lost)}" if isinstance(entry, dict) else "")
                )
        return value

    def measure(self, sums: Floats) -> dict[str, Floats]:
        precision, recall, f1 = precision_recall_f1(sums)
        return {self.metric: f1, "precision": precision, "recall": recall}


@dataclass(frozen=True, kw_only=True)
class ExtractionTask(EntryTask):
    """Exact matching of entries. What the protocols count:

    - v1: an illegal entry of an answer is a wrong entry; repeats count each time, on both sides, except that gold
      pairs of a category, which copy nothing, are without repeats;
    - v2: the same, but these repeats are kept too (a defect of the official code that moves scores);
    - p1: as v1, with illegal entries dropped and gold terms counted once at each place (FSA-Distillation);
    - strict: repeats count once on both sides; entries for a missing required span are ignored; where an answer
      says which occurrence it means, that place must be right, else the words alone decide. An entry that leaves its
      place open repeats one that names it; entries that name different places are different.

    Illegal: a required field missing, a polarity or category out of the list, a span not in the sentence and, under
    strict, offsets at which its text does not stand or an occurrence that there is not.
    """

    metric: ClassVar[str] = "micro_f1"
    category: str | None = None  # field whose value must be one of `labels`

    def read_gold(self, record: Record) -> list[Entry]:
        entries = super().read_gold(record)
        if self.category is not None:
            for entry in entries:
                if entry[self.category] not in self.labels:
                    raise ValueError(f"category {entry[self.category]!r} is none of {', '.join(self.labels)}")
        return entries

    def key(self, entry: Mapping[str, Any]) -> Key:
        """The entry's values in the order of `fields`, spelled in one way; None for "nothing"."""
        values = []
        for name in self.fields:
            value = normal(entry.get(name))
            if value is not None and name not in self.spans:
                value = folded(value.replace("#", " "))
            values.append(value)
        return tuple(values)

    def legal(self, key: Key, sentence: str) -> bool:
        """Whether an entry is a possible answer for the sentence."""
        named = dict(zip(self.fields, key, strict=True))
        return (
            all(value is not None or name in self.optional for name, value in named.items())
            and named[self.fields[-1]] in self.polarities
            and (self.category is None or named[self.category] in self.labels)
            and all((named[name] or "") in sentence for name in self.spans)
        )

    def judge(self, item: Item, prediction: Prediction, protocol: Protocol) -> Judgement:
        """Statistics: predicted entries found in gold, predicted entries, gold entries found, gold entries."""
        assert isinstance(item.gold, list)
        entries = prediction if isinstance(prediction, list) else []
        if protocol == "strict":
            return self._strict(item, entries, prediction is None)
        gold = [self.key(entry) for entry in item.gold]
        if protocol == "v1" and not self.spans:
            gold = list(dict.fromkeys(gold))
        elif protocol == "p1":
            gold = list({(key, self._there(one)): key for key, one in zip(gold, item.gold, strict=True)}.values())
        keys = [self.key(entry) for entry in entries]
        legal = [key in gold or self.legal(key, item.text) for key in keys]
        hits = sum(key in gold for key in keys)
        predicted = sum(legal) if protocol == "p1" else len(keys)
        found = sum(key in keys for key in gold)
        invalid = prediction is None or not all(legal)
        return Judgement((float(hits), float(predicted), float(found), float(len(gold))), invalid)

    def _strict(self, item: Item, entries: list[Entry], unread: bool) -> Judgement:
        assert isinstance(item.gold, list)
        gold: dict[Key, list[Place]] = {}
        for entry in item.gold:
            gold.setdefault(self.key(entry), []).append(self._there(entry))
        meant: dict[Key, set[Place | None]] = {}
        for entry in entries:
            key = self.key(entry)
            required = [key[self.fields.index(name)] for name in self.spans if name not in self.optional]
            if required and not any(required):
                continue
            legal = key in gold or self.legal(key, item.text)
            meant.setdefault(key, set()).add(self._place(entry, item.text) if legal else None)
        hits = predicted = found = 0
        for key, named in meant.items():
            distinct = [one for one in named if not any(_repeats(one, other) for other in named)]
            right = sum(any(_agree(one, there) for there in gold.get(key, [])) for one in distinct)
            hits, predicted, found = hits + right, predicted + len(distinct), found + bool(right)
        invalid = unread or any(None in named for named in meant.values())
        return Judgement((float(hits), float(predicted), float(found), float(len(gold))), invalid)

    def _place(self, entry: Entry, sentence: str) -> Place | None:
        """Where an answer says that its spans are; None if they are not there."""
        named: list[tuple[Span, ...] | None] = []
        for name in self.spans:
            if not settled(entry, name):
                named.append(None)
            elif (found := places(entry, name, sentence)) is not None:
                named.append(tuple(spans[0] for spans in found))
            else:
                return None
        return tuple(named)

    def _there(self, gold: Entry) -> Place:
        """Where the spans of the gold are, as far as the data say."""
        offsets = [read_offsets(gold.get(f"{name}_offsets")) for name in self.spans]
        return tuple(None if spans is None else tuple(spans) for spans in offsets)


def _repeats(entry: Place | None, other: Place | None) -> bool:
    """Whether an entry says no more than another one of the same words, which names places that it leaves open."""
    if entry is None or other is None or entry == other:
        return False
    return all(here is None or here == there for here, there in zip(entry, other, strict=True))


def _agree(entry: Place | None, gold: Place) -> bool:
    """Whether a legal entry names no other place than the gold does."""
    return entry is not None and all(
        here is None or there is None or here == there for here, there in zip(entry, gold, strict=True)
    )

"""Pair and quadruple extraction: a list of opinions per sentence, scored by micro-F1 of exact matches."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fsa_ray.evaluation.item import Entry, Item, Prediction, Record
from fsa_ray.evaluation.metrics import precision_recall_f1
from fsa_ray.evaluation.spans import normal, places, read_offsets
from fsa_ray.evaluation.task import Floats, GoldReader, Judgement, Protocol, Task

Key = tuple[str | None, ...]


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

    - v1: gold without repeats; an illegal entry of an answer is a wrong entry; repeated entries count each time;
    - v2: the same, but repeats of the gold are kept (a defect of the official code that moves scores);
    - p1: as v1, with illegal entries dropped and terms at different places counted apart (FSA-Distillation);
    - strict: repeats count once on both sides; entries for a missing required span are ignored; where an answer
      says which occurrence it means, that place must be right, else the words alone decide.

    Illegal: a required field missing, a polarity or category out of the list, a span not in the sentence.
    """

    metric: ClassVar[str] = "micro_f1"
    category: str | None = None  # field whose value must be one of `labels`

    def key(self, entry: Mapping[str, Any]) -> Key:
        """The entry's values in the order of `fields`, spelled in one way; None for "nothing"."""
        values = []
        for name in self.fields:
            value = normal(entry.get(name))
            if value is not None and name not in self.spans:
                value = value.lower().replace("#", " ")
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
        if protocol == "v1":
            gold = list(dict.fromkeys(gold))
        elif protocol == "p1":
            placed = {(key, str(_marks(e, self.spans))): key for key, e in zip(gold, item.gold, strict=True)}
            gold = list(placed.values())
        keys = [self.key(entry) for entry in entries]
        legal = [key in gold or self.legal(key, item.text) for key in keys]
        hits = sum(key in gold for key in keys)
        predicted = sum(legal) if protocol == "p1" else len(keys)
        found = sum(key in keys for key in gold)
        invalid = prediction is None or not all(legal)
        return Judgement((float(hits), float(predicted), float(found), float(len(gold))), invalid)

    def _strict(self, item: Item, entries: list[Entry], unread: bool) -> Judgement:
        assert isinstance(item.gold, list)
        gold: dict[Key, list[Entry]] = {}
        for entry in item.gold:
            gold.setdefault(self.key(entry), []).append(entry)
        hits: dict[tuple[Key, str], bool] = {}
        found: set[Key] = set()
        invalid = unread
        for entry in entries:
            key = self.key(entry)
            required = [key[self.fields.index(name)] for name in self.spans if name not in self.optional]
            if required and not any(required):
                continue
            legal = key in gold or self.legal(key, item.text)
            invalid |= not legal
            hit = any(self._same_place(entry, one, item.text) for one in gold.get(key, []))
            hits[key, str(_marks(entry, self.spans))] = hit
            found |= {key} if hit else set()
        return Judgement((float(sum(hits.values())), float(len(hits)), float(len(found)), float(len(gold))), invalid)

    def _same_place(self, entry: Entry, gold: Entry, sentence: str) -> bool:
        """Whether no span of `entry` is marked to be elsewhere than the gold's, whose place may be unknown."""
        for name in self.spans:
            there = read_offsets(gold.get(f"{name}_offsets"))
            if there and _marks(entry, (name,)):
                here = places(entry, name, sentence)
                if here is None or [spans[0] for spans in here] != there:
                    return False
        return True


def _marks(entry: Entry, spans: tuple[str, ...]) -> list[Any]:
    marks = [entry.get(f"{name}_{kind}") for name in spans for kind in ("offsets", "occurrence")]
    return [mark for mark in marks if mark is not None]

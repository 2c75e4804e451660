"""Classification: one label per text, scored by macro-F1."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from fsa_ray.evaluation.item import Item, Prediction, Record, folded
from fsa_ray.evaluation.metrics import accuracy, macro_f1
from fsa_ray.evaluation.task import Floats, Judgement, Protocol, Task


@dataclass(frozen=True, kw_only=True)
class ClassificationTask(Task):
    """One of `labels` per text. The three protocols score alike: they differ in how the model is asked.

    Labels are `folded`, and compared so. A string that is no label is a wrong answer
    for its gold class, is no false positive of any class, and is counted as invalid.
    """

    metric: ClassVar[str] = "macro_f1"
    label_field: str = "label"
    spellings: Mapping[str, str] = field(default_factory=dict)
    """Other spellings of labels in data or predictions: folded spelling -> label."""

    def label_of(self, text: str) -> str | None:
        """The label that `text` spells, or None."""
        word = folded(text)
        word = self.spellings.get(word, word)
        return word if word in self.labels else None

    def read_gold(self, record: Record) -> str:
        written = record[self.label_field]
        label = self.label_of(written) if isinstance(written, str) else None
        if label is None:
            raise ValueError(f"label {written!r} is none of {', '.join(self.labels)}")
        return label

    def check(self, value: object) -> Prediction:
        if value is None or isinstance(value, str):
            return value
        raise ValueError(f"expected a label ({', '.join(self.labels)}), got {type(value).__name__}")

    def judge(self, item: Item, prediction: Prediction, protocol: Protocol) -> Judgement:
        """Statistics: the flattened one-hot cell of the (L, L + 1) confusion counts."""
        label = self.label_of(prediction) if isinstance(prediction, str) else None
        assert isinstance(item.gold, str)
        size = len(self.labels)
        column = size if label is None else self.labels.index(label)
        cell = self.labels.index(item.gold) * (size + 1) + column
        return Judgement(tuple(float(n == cell) for n in range(size * (size + 1))), label is None)

    def measure(self, sums: Floats) -> dict[str, Floats]:
        size = len(self.labels)
        confusion = np.reshape(sums, (*sums.shape[:-1], size, size + 1))
        return {"macro_f1": macro_f1(confusion), "accuracy": accuracy(confusion)}

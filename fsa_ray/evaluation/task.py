"""What every benchmark task is: data, a scoring rule per protocol, and a metric over summed statistics."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fsa_ray.evaluation.item import Item, Prediction, Record, identify, read_records

Protocol = Literal["v1", "v2", "strict", "p1"]
Floats = NDArray[np.float64]


class Judgement(NamedTuple):
    """What one answer is worth: additive statistics, and whether (part of) it was not a legal answer."""

    stats: tuple[float, ...]
    invalid: bool


@dataclass(frozen=True, kw_only=True)
class Task(ABC):
    """One benchmark task. Raise `version` when equal predictions would get another score or prompt.

    `sizes` are the published sizes of the splits, which the sanity report checks.
    """

    name: str
    folder: str
    instruction: str
    sizes: Mapping[str, int]
    labels: tuple[str, ...]
    version: int = 1
    id_field: str | None = None
    extra_fields: tuple[str, ...] = ()
    protocols: tuple[Protocol, ...] = ("v1", "v2", "strict")
    split_files: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    metric: ClassVar[str]
    usual_protocol: ClassVar[Protocol] = "strict"
    view_names: ClassVar[tuple[str, ...]] = ()

    def paths(self, data_dir: str | Path, split: str) -> list[Path]:
        """The files that make up one split; ValueError for a split that this task does not have."""
        if self.sizes and split not in self.sizes:
            raise ValueError(f"{self.name} has no split {split!r}; it has {', '.join(self.sizes)}")
        names = self.split_files.get(split, (f"{split}.json",))
        return [Path(data_dir) / self.folder / name for name in names]

    def load(self, data_dir: str | Path, split: str = "test") -> list[Item]:
        """The items of one split, in file order. `data_dir` is the benchmark's root in the official layout.

        Raises ValueError naming file and item for a missing split, broken JSON or a gold label that is not legal.
        """
        records: list[Record] = []
        where: list[str] = []
        for path in self.paths(data_dir, split):
            part = read_records(path)
            records += part
            where += [f"{path}: item {n}" for n in range(len(part))]
        return [
            self._item(record, identity, position, where[position])
            for position, (record, identity) in enumerate(zip(records, identify(records, self.id_field), strict=True))
        ]

    def _item(self, record: Record, identity: str, position: int, where: str) -> Item:
        try:
            gold = self.read_gold(record)
            extra = {name: str(record[name]) for name in self.extra_fields} | self.views(record)
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            cause = f"no field {error}" if isinstance(error, KeyError) else str(error)
            raise ValueError(f"{where} (id {identity}): {cause}; mend the record") from error
        return Item(identity, position, str(record["sentence"]), gold, extra)

    def views(self, record: Record) -> dict[str, str]:
        """Which of `view_names` the record belongs to: view -> "yes"."""
        return {}

    @abstractmethod
    def read_gold(self, record: Record) -> str | list[dict[str, Any]]:
        """The gold answer of one record, in the form of a prediction. ValueError if it is not legal."""

    @abstractmethod
    def check(self, value: object) -> Prediction:
        """`value` as a prediction of this task; ValueError, saying what is expected, for another shape."""

    @abstractmethod
    def judge(self, item: Item, prediction: Prediction, protocol: Protocol) -> Judgement:
        """Score one answer under one protocol. Never raises on a prediction that `check` lets pass."""

    @abstractmethod
    def measure(self, sums: Floats) -> dict[str, Floats]:
        """Measures in [0, 1] from summed statistics (..., S) -> (...); the first is the task's metric."""


def require_protocol(task: Task, protocol: str) -> None:
    """ValueError unless the task can be scored under `protocol`."""
    if protocol not in task.protocols:
        raise ValueError(f"{task.name} is scored under {', '.join(task.protocols)}; not under {protocol!r}")


GoldReader = Callable[[Record], list[dict[str, Any]]]

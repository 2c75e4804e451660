"""A pipeline: stages under the names that people use, and the index that one named run leaves."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from fsa_ray.core.explain import suggest
from fsa_ray.core.stage import Stage
from fsa_ray.storage.folder import Folder

RUNS = "runs"


@dataclass(frozen=True)
class Pipeline:
    """`stages` maps a label, as in `plan` and `--until`, to its stage. Inputs that have no label get one."""

    name: str
    stages: dict[str, Stage[Any]]

    def __post_init__(self) -> None:
        labels = {stage.fingerprint: label for label, stage in self.stages.items()}
        for stage in list(self.stages.values()):
            for unnamed in _below(stage):
                if unnamed.fingerprint not in labels:
                    label = _free(unnamed.name, set(labels.values()))
                    labels[unnamed.fingerprint] = label
                    self.stages[label] = unnamed

    def label(self, stage: Stage[Any]) -> str:
        return next(label for label, known in self.stages.items() if known.fingerprint == stage.fingerprint)

    def called(self, label: str) -> Stage[Any]:
        """Raises ValueError with a suggestion."""
        if label not in self.stages:
            raise ValueError(f"no stage is called {label!r} here; {suggest(label, self.stages)}")
        return self.stages[label]

    def order(self, until: str | None = None) -> list[tuple[str, Stage[Any]]]:
        """Every stage after its inputs. First come those that ask the engine that was asked last, then those that ask
        none, so that an engine is started as seldom as the inputs allow.

        Raises ValueError if `until` is not a label.
        """
        waiting = dict(self.stages) if until is None else self.leading_to([until])
        inputs = {label: {i.fingerprint for i in stage.inputs().values()} for label, stage in waiting.items()}
        order: list[tuple[str, Stage[Any]]] = []
        done: set[str] = set()
        engines: frozenset[str] = frozenset()
        while waiting:
            ready = (label for label in waiting if inputs[label] <= done)
            chosen = min(ready, key=lambda label: _change(self.stages[label].engines(), engines))
            stage = waiting.pop(chosen)
            done.add(stage.fingerprint)
            engines = stage.engines() or engines
            order.append((chosen, stage))
        return order

    def leading_to(self, labels: Iterable[str]) -> dict[str, Stage[Any]]:
        """The stages of these labels and all that they read. Raises ValueError for an unknown label."""
        wanted: set[str] = set()
        for label in labels:
            stage = self.called(label)
            wanted.update(each.fingerprint for each in (stage, *_below(stage)))
        return {label: stage for label, stage in self.stages.items() if stage.fingerprint in wanted}


class RunIndex(BaseModel):
    """`runs/NAME.json`: what the run of that name consists of. Whether a stage is done is asked of its record."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    started: datetime
    spec: dict[str, Any]  # the effective spec, secrets excluded by construction
    stages: dict[str, str]  # label to folder, in the order in which they run

    @classmethod
    def read(cls, root: Folder, name: str) -> "RunIndex | None":
        try:
            return cls.model_validate_json((root / RUNS).get(f"{name}.json"))
        except FileNotFoundError:
            return None

    @classmethod
    def write(
        cls, root: Folder, pipeline: Pipeline, spec: dict[str, Any], kept: Mapping[str, str] | None = None
    ) -> "RunIndex":
        """`kept`: labels that stay with another folder than that of the pipeline's stage."""
        stages = {label: stage.folder for label, stage in pipeline.order()} | dict(kept or {})
        index = cls(name=pipeline.name, started=datetime.now(UTC), spec=spec, stages=stages)
        text = json.dumps(index.model_dump(mode="json"), indent=2) + "\n"
        (root / RUNS).put(f"{pipeline.name}.json", text.encode("utf-8"))
        return index

    @classmethod
    def names(cls, root: Folder) -> list[str]:
        return [name.removesuffix(".json") for name in (root / RUNS).names() if name.endswith(".json")]


def _change(asked: frozenset[str], running: frozenset[str]) -> int:
    """How much a stage that asks `asked` would change about the engines that run."""
    return 0 if asked & running else 2 if asked else 1


def _below(stage: Stage[Any], seen: set[str] | None = None) -> Iterator[Stage[Any]]:
    """Every stage that `stage` reads, once, each after its own inputs."""
    seen = set() if seen is None else seen
    for dependency in stage.inputs().values():
        if dependency.fingerprint not in seen:
            seen.add(dependency.fingerprint)
            yield from _below(dependency, seen)
            yield dependency


def _free(name: str, taken: set[str]) -> str:
    candidates = [name, *(f"{name}-{number}" for number in range(2, len(taken) + 3))]
    return next(candidate for candidate in candidates if candidate not in taken)

"""From what a pilot's stages took to what the whole run would take, stage by stage."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fsa_ray.core.pipeline import Pipeline
from fsa_ray.core.record import read_record
from fsa_ray.core.stage import Stage
from fsa_ray.storage.folder import Folder


@dataclass(frozen=True)
class Asked:
    """What a stage of the pilot asked a teacher. `factor`: so many times as much in the whole run, None if the pilot
    cannot tell."""

    label: str
    requests: int
    prompt_tokens: int
    output_tokens: int
    factor: float | None


def extrapolated(root: Folder, pilot: Pipeline, whole: Pipeline, known: Mapping[str, float]) -> list[Asked]:
    """Every stage of the pilot that is done and asked a teacher, in the order of running.

    A label means the same stage in both; what only one of them has tells nothing. `known` maps labels to rows of the
    whole run that are known otherwise. A stage is expected to keep the same share of the rows that it might have as in
    the pilot.
    """
    rows = _Rows(root, pilot, whole, known)
    found = []
    for label, stage in pilot.order():
        record = read_record(root, stage)
        if record is not None and "requests" in record.measures:
            requests, prompt, output = (
                int(record.measures[key]) for key in ("requests", "prompt_tokens", "output_tokens")
            )
            found.append(Asked(label, requests, prompt, output, rows.factor(label, "requests")))
    return found


class _Unknown(Exception):
    """Nobody can tell how many rows a stage will have."""


class _Rows:
    """Rows of each stage in the pilot, and expected in the whole run."""

    def __init__(self, root: Folder, pilot: Pipeline, whole: Pipeline, known: Mapping[str, float]) -> None:
        self._root, self._pilot, self._whole = root, pilot, whole
        self._expected = dict(known)

    def factor(self, label: str, measure: str) -> float | None:
        try:
            return self._factor(label, measure)
        except _Unknown:
            return None

    def _factor(self, label: str, measure: str) -> float:
        """How much more the stage's own estimate of the whole is than that of the pilot, given the rows of each."""
        then, now = self._pilot.stages[label], self._whole.stages.get(label)
        if now is None:
            raise _Unknown
        if then.fingerprint == now.fingerprint:
            return 1.0
        before, after = then.estimate(self._measured).get(measure), now.estimate(self._rows).get(measure)
        if not before or after is None:
            raise _Unknown
        return after / before

    def _measured(self, stage: Stage[Any]) -> float:
        record = read_record(self._root, stage)
        if record is None or "rows" not in record.measures:
            raise _Unknown
        return record.measures["rows"]

    def _rows(self, stage: Stage[Any]) -> float:
        label = self._whole.label(stage)
        if label not in self._expected:
            if label not in self._pilot.stages:
                raise _Unknown
            self._expected[label] = self._measured(self._pilot.stages[label]) * self._factor(label, "rows")
        return self._expected[label]

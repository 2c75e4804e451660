"""What Ray's workers do about one unit after the other: ask about it, store what came of it, tell the driver."""

import time
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import pyarrow as pa

from fsa_ray.engine.question import Question, Reply, decode_replies, encode_questions
from fsa_ray.engine.units import Counts, Unit, UnitFolder

_COMMIT_SECONDS = 15.0
_POLL_SECONDS = 0.02
_POLL_SHARE = 0.05  # of the time waited so far


class Asking(Protocol):
    """What to ask about rows, and what to make of the replies. Sent to workers: keep it small, load lazily."""

    def questions(self, rows: pa.Table) -> list[Question]: ...
    def answers(self, rows: pa.Table, replies: list[Reply]) -> pa.Table:
        """`replies` in the order of the questions."""


Mapping = Callable[[pa.Table], tuple[pa.Table, Counts]]  # rows of a unit to its result; sent to workers


@dataclass(frozen=True)
class Stop:
    """A mark in the units' folder after which workers begin no unit."""

    units: UnitFolder
    name: str

    def set(self) -> None:
        (self.units.folder / "stops").put(self.name, b"")

    def is_set(self) -> bool:
        return (self.units.folder / "stops").exists(self.name)

    def clear(self) -> None:
        (self.units.folder / "stops").remove(self.name)


class Prepare:
    """Lives in an actor that asks about one unit at a time, and waits for the commit of each before the next: so no
    more rows are ever asked and not stored than units in flight hold."""

    def __init__(self, units: UnitFolder, asking: Asking, stop: Stop) -> None:
        self._units, self._asking, self._stop = units, asking, stop
        self._asked: Unit | None = None

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        unit, failure, questions = Unit(**row), "", None
        try:
            self._await_commit()
            if not self._stop.is_set() and not self._units.is_finished(unit):
                self._asked = unit
                self._units.begin(unit)
                questions = encode_questions(self._asking.questions(self._units.read(unit)))
        except Exception as error:
            failure = _told(unit, error)
        method = "skip" if questions is None else "generate"
        return {"method": method, "request_kwargs": {"questions": questions or ""}, "failure": failure}

    def _await_commit(self) -> None:
        """Give up after a while: the unit may have died with its engine."""
        began = time.monotonic()
        while self._asked is not None and not self._stop.is_set():
            waited = time.monotonic() - began
            if waited > _COMMIT_SECONDS or self._units.is_finished(self._asked):
                self._asked = None
            else:
                time.sleep(max(_POLL_SECONDS, _POLL_SHARE * waited))


class Finish:
    def __init__(self, units: UnitFolder, asking: Asking) -> None:
        self._units, self._asking = units, asking

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        if not row["replies"]:
            return _report(engine=row["engine"], failure=row["failure"])
        unit = Unit(**{name: row[name] for name in Unit.__dataclass_fields__})
        try:
            replies = decode_replies(row["replies"])
            counts = Counts(
                rows=unit.rows,
                prompts=len(replies),
                prompt_tokens=sum(reply.prompt_tokens for reply in replies),
                output_tokens=sum(reply.output_tokens for reply in replies),
                failed=sum(reply.error is not None for reply in replies),
            )
            table = self._asking.answers(self._units.read(unit), replies)
            return _report(counts, self._units.commit(unit, table, counts), row["engine"])
        except Exception as error:
            return _report(engine=row["engine"], failure=_told(unit, error))


class Map:
    def __init__(self, units: UnitFolder, mapping: Mapping, stop: Stop) -> None:
        self._units, self._mapping, self._stop = units, mapping, stop

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        unit = Unit(**row)
        try:
            if self._stop.is_set() or self._units.is_finished(unit):
                return _report()
            self._units.begin(unit)
            table, counts = self._mapping(self._units.read(unit))
            return _report(counts, self._units.commit(unit, table, counts))
        except Exception as error:
            return _report(failure=_told(unit, error))


def _report(
    counts: Counts | None = None, committed: bool = False, engine: str = "", failure: str = ""
) -> dict[str, Any]:
    """What a worker tells the driver about a unit. `committed` is False for a unit that was there already."""
    return {**asdict(counts or Counts()), "committed": committed, "engine": engine, "failure": failure}


def _told(unit: Unit, error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    where = next((frame for frame in reversed(frames) if frame.filename.endswith(".py")), frames[-1])
    place = f"{where.filename}:{where.lineno}"
    return f"rows {unit.start}-{unit.start + unit.rows - 1} of {unit.file}: {type(error).__name__}: {error} ({place})"

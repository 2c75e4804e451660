"""Reading a file of predictions, and matching it with the items of a test."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast, get_args

import pyarrow.parquet as pq

from fsa_ray.evaluation.harness import is_sample, prediction_of
from fsa_ray.evaluation.item import Item, Prediction
from fsa_ray.evaluation.task import Protocol, Task


def read_predictions(path: str | Path, task: Task, items: Sequence[Item]) -> dict[str, Prediction]:
    """Predictions by item id, from rows {"id", "prediction"} in a .jsonl, .json (list of rows) or .parquet file.

    `id` is the item's own id or its 0-based position in the test file, as a string (a whole number is taken too).
    Where own ids are numbers themselves, only own ids count. `prediction` is a label, or a list of objects with
    the task's fields (as JSON text in parquet); null is an answer that could not be read. A string that is not one
    of the labels is let through: scoring counts it as wrong and as invalid. Samples logged by lm-evaluation-harness
    for tasks that we exported are read as well.

    Raises ValueError naming file and line for unknown and repeated ids, and for rows of another shape.
    """
    names = item_names(items)
    found: dict[str, Prediction] = {}
    first_place: dict[str, str] = {}
    for where, row in _rows(Path(path)):
        identity, prediction = _row(where, row, task, names)
        if identity in found:
            raise ValueError(f"{where}: id {row['id']!r} was already given at {first_place[identity]}; keep one")
        found[identity] = prediction
        first_place[identity] = where
    return found


def logged_protocol(path: str | Path) -> Protocol | None:
    """The protocol under which logged samples of lm-evaluation-harness were asked; None for a file without such.

    Raises ValueError for a file of several.
    """
    samples = [row for _, row in _rows(Path(path)) if isinstance(row, dict) and is_sample(row)]
    told = sorted({str(row["doc"]["protocol"]) for row in samples if "protocol" in row["doc"]})
    if len(told) > 1:
        raise ValueError(f"{path}: samples asked under {' and '.join(told)}; say under which protocol all are scored")
    if told and told[0] not in get_args(Protocol):
        raise ValueError(
            f"{path}: samples asked under {told[0][:40]!r}, which is no protocol ({', '.join(get_args(Protocol))})"
        )
    return cast(Protocol, told[0]) if told else None


def item_names(items: Sequence[Item]) -> dict[str, str]:
    """All names by which a prediction may call an item -> the item's id."""
    names = {item.id: item.id for item in items}
    if not any(item.id.isdigit() for item in items):
        names |= {str(item.position): item.id for item in items}
    return names


def require_all(items: Iterable[Item], predictions: Mapping[str, Prediction], missing_as_wrong: bool) -> None:
    """ValueError for predictions of unknown items and, unless they count as wrong, for items without one."""
    ids = [item.id for item in items]
    known = set(ids)
    if unknown := [identity for identity in predictions if identity not in known]:
        raise ValueError(f"{len(unknown)} predictions have unknown ids: {_some(unknown)}")
    missing = [identity for identity in ids if identity not in predictions]
    if missing and not missing_as_wrong:
        raise ValueError(
            f"{len(missing)} of {len(ids)} items have no prediction: {_some(missing)}; "
            "add them, or ask for missing predictions to count as wrong"
        )


def _some(ids: list[str]) -> str:
    return ", ".join(repr(one) for one in ids[:5]) + (", ..." if len(ids) > 5 else "")


def _rows(path: Path) -> Iterator[tuple[str, Any]]:
    """The rows of a file, each with its place."""
    if not path.is_file():
        raise ValueError(f"{path}: no such file")
    readers = {".jsonl": _jsonl, ".json": _json, ".parquet": _parquet}
    if path.suffix not in readers:
        raise ValueError(f"{path}: predictions are .jsonl, .json or .parquet, not {path.suffix or 'without suffix'}")
    return readers[path.suffix](path)


def _row(where: str, row: Any, task: Task, names: Mapping[str, str]) -> tuple[str, Prediction]:
    if isinstance(row, dict) and is_sample(row):
        identity, prediction = prediction_of(task, row)
        row = {"id": identity, "prediction": prediction}
    if not isinstance(row, dict) or not {"id", "prediction"} <= row.keys():
        raise ValueError(f'{where}: expected an object {{"id": ..., "prediction": ...}}')
    given = row["id"]
    if isinstance(given, bool) or not isinstance(given, str | int):
        raise ValueError(f"{where}: id {given!r} should be a string")
    if str(given) not in names:
        raise ValueError(f"{where}: unknown id {given!r}; it is no item's own id or 0-based position in {task.name}")
    try:
        return names[str(given)], task.check(row["prediction"])
    except ValueError as error:
        raise ValueError(f"{where} (id {given!r}): {error}") from error


def _loads(text: str, where: str) -> Any:
    try:
        value = json.loads(text)
        json.dumps(value, ensure_ascii=False).encode()  # halves of characters are legal JSON, but no text
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{where}: not valid JSON ({error})") from error
    return value


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: not UTF-8 ({error}); convert the file") from error


def _jsonl(path: Path) -> Iterator[tuple[str, Any]]:
    for number, line in enumerate(_text(path).split("\n"), start=1):
        if line.strip():
            yield f"{path}:{number}", _loads(line, f"{path}:{number}")


def _json(path: Path) -> Iterator[tuple[str, Any]]:
    rows = _loads(_text(path), str(path))
    if not isinstance(rows, list):
        raise ValueError(f"{path}: expected a list of rows")
    for number, row in enumerate(rows):
        yield f"{path}: row {number}", row


def _parquet(path: Path) -> Iterator[tuple[str, Any]]:
    try:
        table = pq.read_table(path, columns=["id", "prediction"])
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: not a parquet file with columns id and prediction ({error})") from error
    for number, row in enumerate(table.to_pylist()):
        where = f"{path}: row {number}"
        prediction = row["prediction"]
        if isinstance(prediction, str) and prediction.lstrip().startswith("["):
            row["prediction"] = _loads(prediction, where)
        yield where, row

"""Proof, from what is stored, that no row was lost or doubled and no file was changed."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from fsa_ray.core.artifact import Artifact, DataFile, Flow, Table
from fsa_ray.core.pipeline import Pipeline
from fsa_ray.core.record import Record, read_record
from fsa_ray.core.stage import Stage
from fsa_ray.storage.folder import Folder


@dataclass(frozen=True)
class Finding:
    """One check of one stage. `detail` says what was counted, or what is wrong."""

    label: str
    check: str
    passed: bool
    detail: str


def verify(root: Folder, pipeline: Pipeline) -> list[Finding]:
    """Checks every stage of the pipeline that has a record; a stage without one is a failed check."""
    findings: list[Finding] = []
    for label, stage in pipeline.order():
        record = read_record(root, stage)
        if record is None:
            findings.append(Finding(label, "done", False, "no record: the stage has not finished"))
            continue
        artifact = stage.artifact_type().model_validate(record.artifact)
        digests = _digests(root, label, artifact)
        findings.append(digests)
        flow = stage.owes()
        if flow is not None and digests.passed:
            findings.extend(_account(root, label, stage, artifact, record, flow))
    return findings


def files_of(value: Any) -> Iterator[DataFile]:
    """Every data file that an artifact names, however deep."""
    if isinstance(value, DataFile):
        yield value
    elif isinstance(value, Artifact):
        for field in type(value).model_fields:
            yield from files_of(getattr(value, field))
    elif isinstance(value, tuple | list):
        for item in value:
            yield from files_of(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from files_of(item)


def _digests(root: Folder, label: str, artifact: Artifact) -> Finding:
    files = list(files_of(artifact))
    for file in files:
        try:
            data = root.get(file.key)
        except FileNotFoundError:
            return Finding(label, "digests", False, f"{file.key} is missing")
        if hashlib.sha256(data).hexdigest() != file.sha256:
            return Finding(label, "digests", False, f"{file.key} was changed after it was committed")
        if file.rows is not None and pq.ParquetFile(pa.BufferReader(data)).metadata.num_rows != file.rows:
            return Finding(label, "digests", False, f"{file.key} does not hold {file.rows} rows")
    return Finding(label, "digests", True, f"{len(files)} files")


def _account(
    root: Folder, label: str, stage: Stage[Any], artifact: Any, record: Record, flow: Flow
) -> Iterator[Finding]:
    kept, rejected = artifact.kept, artifact.rejected
    ids = _column(root, kept, "id")
    if flow.source is None:  # nothing else tells which rows a source owes
        ids = pa.concat_arrays([ids, _column(root, rejected, "id")])
    doubled = len(ids) - len(pc.unique(ids))
    yield Finding(label, "unique ids", doubled == 0, f"{doubled} ids occur twice" if doubled else f"{len(ids)} ids")
    counts = f"{kept.rows} out + {rejected.rows} rejected"
    if flow.source is None:
        read = int(record.measures["rows_read"])
        yield Finding(label, "rows", kept.rows + rejected.rows == read, f"{read} read = {counts}")
        return
    sources = stage.inputs_of(flow.source)
    owed = pa.concat_arrays([_column(root, _artifact(root, source).kept, "id") for source in sources])
    answered = pa.concat_arrays([_column(root, kept, flow.key), _column(root, rejected, "parent")])
    yield Finding(label, "rows", *_balance(owed, answered, flow.fanout, counts))


def _balance(owed: pa.Array, answered: pa.Array, fanout: int, counts: str) -> tuple[bool, str]:
    tally = pc.value_counts(answered)
    names, times = tally.field("values"), tally.field("counts")
    missing = len(owed) - (pc.sum(pc.is_in(owed, value_set=names)).as_py() or 0)
    strangers = len(names) - (pc.sum(pc.is_in(names, value_set=owed)).as_py() or 0)
    uneven = pc.sum(pc.not_equal(times, fanout)).as_py() or 0
    if missing or strangers or uneven:
        problem = f"{missing} ids missing, {strangers} unknown, {uneven} not exactly {fanout} times"
        return False, f"{len(owed)} in, {counts}: {problem}"
    times_text = f" x {fanout}" if fanout != 1 else ""
    return True, f"{len(owed)} in{times_text} = {counts}"


def _artifact(root: Folder, stage: Stage[Any]) -> Any:
    record = read_record(root, stage)
    assert record is not None, "inputs are verified before the stage that reads them"
    return stage.artifact_type().model_validate(record.artifact)


def _column(root: Folder, table: Table, column: str) -> pa.Array:
    parts = [
        pq.read_table(root.where(file.key), columns=[column], filesystem=root.arrow()).column(column)
        for file in table.files
    ]
    # Strings of the usual kind hold 2 GiB: 60 million ids.
    chunks = [chunk.cast(pa.large_string()) for part in parts for chunk in part.chunks]
    return pa.concat_arrays([pa.array([], pa.large_string()), *chunks])

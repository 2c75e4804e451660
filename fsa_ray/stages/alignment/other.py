"""Queries of other tasks than sentiment, from a user's file."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
from pydantic import Field

from fsa_ray.core.artifact import Flow, Rows
from fsa_ray.core.local_copy import brought_here
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.core.tables import read_table
from fsa_ray.schemas.alignment import OTHER_TASK
from fsa_ray.sentiment.alignment.other_tasks import OtherRecord, Shown, read_other_tasks
from fsa_ray.sentiment.contamination import EvaluationRuns
from fsa_ray.sentiment.files.batch import Reject
from fsa_ray.stages.benchmark import pin
from fsa_ray.stages.model import PinnedFile
from fsa_ray.stages.rows import commit, derived_id, refused, rejects


class OtherTasks(Stage[Rows]):
    """One row for each query of the file, whose content is the identity; what cannot be read is a reject, and so is
    what shares `ngram` words in a row with a test text, in its input, its output or its examples."""

    name: ClassVar[str] = "other-tasks"
    version: ClassVar[int] = 1
    flow: ClassVar[Flow | None] = Flow(source=None)

    file: PinnedFile
    against: tuple[Stage[Rows], ...] = ()
    ngram: int = 13
    path: str = Field(exclude=True)

    @classmethod
    def at(cls, path: str, against: tuple[Stage[Rows], ...] = (), ngram: int = 13) -> "OtherTasks":
        """`against`: texts that models are tested on. Raises ValueError if the file is missing, or holds no query."""
        path = brought_here(path)
        found = Path(path)
        if not found.is_file():
            raise ValueError(
                f"{path} is no file; give other tasks as JSON lines of task, instruction and input, "
                "or as one task file of Super-NaturalInstructions"
            )
        pinned = pin(found, found.parent)
        read = read_other_tasks(found.stem, found.read_bytes())
        if not read.records:
            why = next((f"{one.reason} in line {one.line}: {one.problem}" for one in read.rejects), "it is empty")
            raise ValueError(f"{path}: no query of another task in it ({why})")
        return cls(file=pinned, against=against, ngram=ngram, path=path)

    def run(self, ctx: StageContext) -> Rows:
        path = Path(self.path)
        read = read_other_tasks(path.stem, path.read_bytes())
        ctx.measure(rows_read=len(read.records) + len(read.rejects))
        kept = pa.Table.from_pylist([_row(record) for record in read.records], OTHER_TASK)
        unread = rejects(_refused(path.name, one) for one in read.rejects)
        if not self.against:
            return commit(ctx, kept, [unread])
        tests = pa.concat_tables([read_table(ctx.root, ctx.load(stage).kept, ["text"]) for stage in self.against])
        texts = pa.array([_all_text(record) for record in read.records], pa.string())
        overlap = EvaluationRuns(tests["text"], run=self.ngram).first_overlap(texts)
        dirty = refused(
            kept.filter(pa.array(overlap >= 0)), "contaminated", "shares text with what models are tested on"
        )
        return commit(ctx, kept.filter(pa.array(overlap < 0)), [unread, dirty])


def other_record(row: dict[str, Any]) -> OtherRecord:
    """From a row of OTHER_TASK."""
    stored = json.loads(row["record"])
    return OtherRecord(**{**stored, "examples": tuple(Shown(**one) for one in stored["examples"])})


def _all_text(record: OtherRecord) -> str:
    shown = [part for one in record.examples for part in (one.input, one.output)]
    return "\n".join([record.input, record.output or "", *shown])


def _row(record: OtherRecord) -> dict[str, Any]:
    stored = json.dumps(asdict(record), ensure_ascii=False, sort_keys=True)
    return {"id": derived_id("other", stored), "task": record.task, "text": record.input, "record": stored}


def _refused(name: str, one: Reject) -> dict[str, Any]:
    where = derived_id("other", name, str(one.line))
    return {"id": where, "parent": where, "source_id": f"{name}:{one.line}", "reason": one.reason,
            "detail": one.problem, "text": one.text}  # fmt: skip

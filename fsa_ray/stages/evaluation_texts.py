"""All texts of a benchmark folder that anybody may be tested on: what training data must share no text with."""

from pathlib import Path
from typing import ClassVar

import pyarrow as pa
from pydantic import Field

from fsa_ray.core.artifact import Flow, Rows
from fsa_ray.core.local_copy import brought_here
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.evaluation.item import read_records
from fsa_ray.evaluation.tasks import KNOWN, load_task
from fsa_ray.schemas.rows import REVIEW
from fsa_ray.stages.benchmark import pin
from fsa_ray.stages.model import PinnedFile
from fsa_ray.stages.rows import RowWriter, derived_id


class EvaluationTexts(Stage[Rows]):
    """The texts of all test files of known tasks, whichever of them a run measures, and however many of their items.
    The identity is the content of these files; `data` says where they lie."""

    name: ClassVar[str] = "evaluation-texts"
    version: ClassVar[int] = 1
    flow: ClassVar[Flow | None] = Flow(source=None)

    files: tuple[PinnedFile, ...]
    data: str = Field(exclude=True)

    @classmethod
    def at(cls, data: str, tasks: tuple[str, ...]) -> "EvaluationTexts":
        """`tasks`: those that are measured. Raises ValueError naming a file of theirs that is missing, and the known
        tasks for an unknown one; files of other tasks may be missing."""
        base = Path(brought_here(data))
        measured = {path for name in tasks for path in load_task(name).paths(base, "test")}
        known = {path for task in KNOWN.values() for path in task.paths(base, "test") if path.is_file()}
        return cls(files=tuple(pin(path, base) for path in sorted(measured | known)), data=str(base))

    def run(self, ctx: StageContext) -> Rows:
        writer = RowWriter(ctx, REVIEW)
        rows = 0
        for file in self.files:
            texts = [record["sentence"] for record in read_records(Path(self.data) / file.name)]
            sources = [f"{file.name}:{number}" for number in range(len(texts))]
            ids = [derived_id(self.name, source) for source in sources]
            writer.keep(pa.table([ids, sources, pa.nulls(len(texts), pa.string()), texts], schema=REVIEW))
            rows += len(texts)
        ctx.measure(rows_read=rows)
        return writer.close()

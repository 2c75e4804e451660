"""The stage that scores, on Ray: one difficulty a row, and a record that says what scored where."""

from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pytest

from fsa_ray.core.artifact import Rows
from fsa_ray.core.pipeline import Pipeline
from fsa_ray.core.placement import Placement
from fsa_ray.core.plan import Step
from fsa_ray.core.record import Record, read_record
from fsa_ray.core.runner import Runner, load
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.core.tables import read_table
from fsa_ray.engine.session import Session
from fsa_ray.schemas.rows import EXAMPLE
from fsa_ray.stages.model import GivenModel
from fsa_ray.stages.rows import commit
from fsa_ray.stages.score import Score
from fsa_ray.storage.folder import Folder

pytestmark = pytest.mark.usefixtures("ray_session")


class Examples(Stage[Rows]):
    name: ClassVar[str] = "examples"
    version: ClassVar[int] = 1

    def run(self, ctx: StageContext) -> Rows:
        texts = [(f"the food was {word}", word) for word in ("good", "slow", "good but slow", "slow " * 200)]
        rows = [{"id": f"{n:032x}", "prompt": prompt, "answer": answer} for n, (prompt, answer) in enumerate(texts)]
        return commit(ctx, pa.Table.from_pylist(rows, EXAMPLE), [])


class Silent:
    def begins(self, step: Step) -> None: ...
    def says(self, step: Step, message: str) -> None: ...
    def ends(self, step: Step, record: Record) -> None: ...


def scored(root: Folder, stage: Score, **more: Any) -> tuple[list[dict[str, Any]], Record]:
    placement = Placement(sections={"score": {"threads": 1, "unit_rows": 2, **more}})
    stages = {"examples": stage.examples, "model": stage.model, "score": stage}
    Runner(root, placement, Silent(), lambda engines: None).run(Pipeline("test", stages))
    record = read_record(root, stage)
    assert record is not None
    return read_table(root, load(root, stage).kept).to_pylist(), record


def test_every_row_is_scored_and_the_record_says_how(tmp_path: Path, tiny_model: str, ray_session: Session) -> None:
    root, examples, model = Folder(str(tmp_path)), Examples(), GivenModel.at(tiny_model)
    found = {}
    for metric in ("ifd", "length"):
        stage = Score(examples=examples, model=model, metric=metric, max_length=100)
        rows, record = scored(root, stage)
        assert [row["id"] for row in rows] == [f"{n:032x}" for n in range(4)]
        assert [row["error"] is None for row in rows] == [True, True, True, False]
        assert [row["difficulty"] is None for row in rows] == [False, False, False, True]
        assert record.parameters["metric"] == metric and record.inputs["model"] == model.folder
        assert (record.measures["workers"], record.measures["gpus"]) == (1, 0)
        found[metric] = record.measures["tokens_read"]
        if metric == "length":
            assert [row["difficulty"] for row in rows[:3]] == [row["answer_tokens"] for row in rows[:3]]
    assert found["length"] == 0 < found["ifd"]


def test_what_no_machine_has_is_refused_at_once(tmp_path: Path, tiny_model: str, ray_session: Session) -> None:
    stage = Score(examples=Examples(), model=GivenModel.at(tiny_model), metric="rank", max_length=100)
    with pytest.raises(ValueError, match=r"section `score` of the placement asks for 1 x \(1 CPU, 8 GPU\).*Lower it"):
        scored(Folder(str(tmp_path)), stage, gpus=8)

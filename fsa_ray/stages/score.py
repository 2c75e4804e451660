"""How hard each example is for a proxy model."""

from typing import ClassVar

import pyarrow as pa

from fsa_ray.core.artifact import Flow, Rows
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.engine.units import UnitFolder
from fsa_ray.schemas.rows import SCORED_EXAMPLE
from fsa_ray.stages.model import Model, local_path
from fsa_ray.stages.rows import commit


class Score(Stage[Rows]):
    """The ranking-based difficulty of CompEffDist, exact, over the answer's tokens in the model's own chat format.

    An example that cannot be scored keeps its row, with an `error` and no difficulty.
    """

    name: ClassVar[str] = "score"
    version: ClassVar[int] = 1
    flow: ClassVar[Flow | None] = Flow(source="examples")

    examples: Stage[Rows]
    model: Stage[Model]
    tau: float = 0.95
    count_top: bool = False
    max_length: int = 2048

    def run(self, ctx: StageContext) -> Rows:
        from fsa_ray.engine.run_units import map_units
        from fsa_ray.engine.scorer import ScoreExamples, ScorePlacement
        from fsa_ray.stages.serving import Pulse, session

        session(ctx)
        placement = ctx.placement.section("score", ScorePlacement)
        model = ctx.load(self.model)
        source = ctx.load(self.examples).kept
        units = UnitFolder.open(ctx.root, ctx.progress / "scores", source, placement.unit_rows)
        scoring = ScoreExamples(
            local_path(ctx.root, model),
            tau=self.tau,
            count_top=self.count_top,
            max_length=self.max_length,
            placement=placement,
        )
        map_units(
            units,
            scoring,
            workers=placement.workers,
            cpus=placement.threads,
            gpus=placement.gpus,
            listener=Pulse(ctx.tell),
        )
        scored = pa.concat_tables([SCORED_EXAMPLE.empty_table(), *units.results()])
        ctx.measure(answer_tokens=pa.compute.sum(scored["answer_tokens"]).as_py() or 0)
        return commit(ctx, scored, [])

"""How hard each example is for a proxy model."""

from typing import ClassVar

import pyarrow.compute as pc

from fsa_ray.core.artifact import Flow, Rows
from fsa_ray.core.goodput import goodput
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.engine.scorer import ScorePlacement, Scorer
from fsa_ray.engine.units import UnitFolder
from fsa_ray.schemas.rows import SCORED_EXAMPLE
from fsa_ray.stages.difficulty import ChatEncoding, Metric, ScoreExamples
from fsa_ray.stages.model import Model, ModelDirectory
from fsa_ray.stages.rows import RowWriter


class Score(Stage[Rows]):
    """A difficulty of each example, exact, over the answer's tokens in the model's own chat format; higher is harder.

    `rank`: the ranking-based difficulty of CompEffDist with `tau` and `count_top`. `perplexity` of the answer after
    its prompt. `ifd`: that over the perplexity of the answer after an empty prompt. `length`: the number of the
    answer's tokens, of which the model's tokenizer alone decides.

    An example that cannot be scored keeps its row, with an `error` and no difficulty.
    """

    name: ClassVar[str] = "score"
    version: ClassVar[int] = 1
    flow: ClassVar[Flow | None] = Flow(source="examples")

    examples: Stage[Rows]
    model: Stage[Model]
    metric: Metric = "rank"
    tau: float = 0.95
    count_top: bool = False
    max_length: int = 2048

    def run(self, ctx: StageContext) -> Rows:
        from fsa_ray.engine.run_units import map_units
        from fsa_ray.stages.serving import Pulse, session

        placement = ctx.placement.section("score", ScorePlacement)
        if self.metric == "length":
            placement = placement.model_copy(update={"gpus": 0.0})
        session(ctx).require_room("score", placement.workers, placement.need, placement.start_timeout_s)
        source = ctx.load(self.examples).kept
        units = UnitFolder.open(ctx.root, ctx.progress / "scores", source, placement.unit_rows)
        outcome = map_units(
            units,
            self._scoring(ctx, placement),
            workers=placement.workers,
            need=placement.need,
            start_timeout_s=placement.start_timeout_s,
            listener=Pulse(ctx.tell),
        )
        writer, answer_tokens = RowWriter(ctx, SCORED_EXAMPLE), 0
        for scored in units.results():
            answer_tokens += pc.sum(scored["answer_tokens"]).as_py() or 0
            writer.keep(scored)
        ctx.measure(
            answer_tokens=answer_tokens,
            tokens_read=outcome.counts.prompt_tokens,
            workers=placement.workers,
            gpus=placement.gpus * placement.workers,
            rows_redone=outcome.redone,
            goodput=goodput(outcome.counts.rows, outcome.redone),
        )
        return writer.close()

    def _scoring(self, ctx: StageContext, placement: ScorePlacement) -> ScoreExamples:
        model = ctx.load(self.model)
        path, trusted = ModelDirectory(ctx.root, model), model.trust_remote_code
        return ScoreExamples(
            Scorer(path, trust_remote_code=trusted, placement=placement),
            ChatEncoding(path, trusted),
            self.max_length,
            metric=self.metric,
            tau=self.tau,
            count_top=self.count_top,
        )

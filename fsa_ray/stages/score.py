"""How hard each example is for a proxy model."""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import pyarrow as pa

from fsa_ray.core.artifact import Flow, Rows
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.engine.scorer import Pair, ScoreExamples, ScorePlacement, Scorer
from fsa_ray.engine.units import UnitFolder
from fsa_ray.schemas.rows import SCORED_EXAMPLE
from fsa_ray.sentiment.chat import ChatFormat
from fsa_ray.stages.model import Model, chat_format, local_path
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
        from fsa_ray.stages.serving import Pulse, session

        session(ctx)
        placement = ctx.placement.section("score", ScorePlacement)
        source = ctx.load(self.examples).kept
        units = UnitFolder.open(ctx.root, ctx.progress / "scores", source, placement.unit_rows)
        map_units(
            units,
            self._scoring(ctx, placement),
            workers=placement.workers,
            cpus=placement.threads,
            gpus=placement.gpus,
            listener=Pulse(ctx.tell),
        )
        scored = pa.concat_tables([SCORED_EXAMPLE.empty_table(), *units.results()])
        ctx.measure(answer_tokens=pa.compute.sum(scored["answer_tokens"]).as_py() or 0)
        return commit(ctx, scored, [])

    def _scoring(self, ctx: StageContext, placement: ScorePlacement) -> ScoreExamples:
        model = ctx.load(self.model)
        path, trusted = local_path(ctx.root, model), model.trust_remote_code
        scorer = Scorer(path, tau=self.tau, count_top=self.count_top, trust_remote_code=trusted, placement=placement)
        return ScoreExamples(scorer, ChatEncoding(path, trusted), self.max_length)


@dataclass(frozen=True)
class ChatEncoding:
    """Examples as token ids in the chat format of the model at `path`. Small: sent to workers."""

    path: str
    trust_remote_code: bool = False

    @cached_property
    def chat(self) -> ChatFormat:
        return chat_format(self.path, self.trust_remote_code)

    def pairs(self, rows: pa.Table) -> list[Pair]:
        found = []
        for prompt, answer in zip(rows["prompt"].to_pylist(), rows["answer"].to_pylist(), strict=True):
            ids, prompt_length = self.chat.example_ids(prompt, answer)
            found.append(Pair(ids, len(ids) - prompt_length))
        return found

"""How hard each example is for a proxy model."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import pyarrow as pa

from fsa_ray.core.artifact import Flow, Rows
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.engine.units import UnitFolder
from fsa_ray.schemas.rows import SCORED_EXAMPLE
from fsa_ray.sentiment.chat import ChatFormat
from fsa_ray.stages.model import Model, local_path
from fsa_ray.stages.rows import commit

if TYPE_CHECKING:
    from fsa_ray.engine.scorer import Pair


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
        from fsa_ray.engine.scorer import ScoreExamples, ScorePlacement, Scorer
        from fsa_ray.stages.serving import Pulse, session

        session(ctx)
        placement = ctx.placement.section("score", ScorePlacement)
        model = ctx.load(self.model)
        source = ctx.load(self.examples).kept
        units = UnitFolder.open(ctx.root, ctx.progress / "scores", source, placement.unit_rows)
        path = local_path(ctx.root, model)
        scorer = Scorer(
            path,
            tau=self.tau,
            count_top=self.count_top,
            trust_remote_code=model.trust_remote_code,
            placement=placement,
        )
        scoring = ScoreExamples(scorer, ExampleEncoding(path, model.trust_remote_code), self.max_length)
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


@dataclass(frozen=True)
class ExampleEncoding:
    """Examples as token ids in the chat format of the model at `path`; the end of the turn is no part of an answer."""

    path: str
    trust_remote_code: bool

    @cached_property
    def _chat(self) -> ChatFormat:
        from transformers import AutoTokenizer

        return ChatFormat(AutoTokenizer.from_pretrained(self.path, trust_remote_code=self.trust_remote_code))

    def pairs(self, rows: pa.Table) -> "list[Pair]":
        from fsa_ray.engine.scorer import Pair

        texts = zip(rows["prompt"].to_pylist(), rows["answer"].to_pylist(), strict=True)
        encoded = [self._chat.example_ids(prompt, answer) for prompt, answer in texts]
        return [Pair(ids[:-1], len(ids) - 1 - length) for ids, length in encoded]

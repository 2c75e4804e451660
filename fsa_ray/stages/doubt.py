"""How much the teacher doubted: a difficulty that comes with its answers."""

from typing import ClassVar, Literal

import numpy as np
import pyarrow as pa

from fsa_ray.core.artifact import Flow, Rows
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.core.tables import read_table
from fsa_ray.schemas.rows import SCORED_EXAMPLE
from fsa_ray.sentiment.doubt import entropy, margin
from fsa_ray.stages.rows import commit


class Doubt(Stage[Rows]):
    """Entropy of the teacher's probabilities over the label words, or 1 minus the lead of the likeliest; higher is
    harder. An example whose answer begins with no label word has none, which is no error."""

    name: ClassVar[str] = "doubt"
    version: ClassVar[int] = 2
    flow: ClassVar[Flow | None] = Flow(source="examples")

    examples: Stage[Rows]
    metric: Literal["entropy", "margin"]

    def run(self, ctx: StageContext) -> Rows:
        examples = read_table(ctx.root, ctx.load(self.examples).kept)
        told = examples["label_logprobs"].to_pylist()
        measure = entropy if self.metric == "entropy" else margin
        values = [None if logprobs is None else measure(np.array(logprobs)) for logprobs in told]
        scored = examples.append_column("difficulty", pa.array(values, pa.float64()))
        scored = scored.append_column("answer_tokens", pa.nulls(len(examples), pa.int32()))
        scored = scored.append_column("error", pa.nulls(len(examples), pa.string())).select(SCORED_EXAMPLE.names)
        return commit(ctx, scored, [])

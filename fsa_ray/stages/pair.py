"""Turn examples into the pairs of token ids that an encoder-decoder is trained on."""

from typing import ClassVar

import numpy as np

from fsa_ray.core.artifact import Flow, Rows
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.core.tables import write_table
from fsa_ray.sentiment.pair_format import PairFormat
from fsa_ray.stages.model import Model
from fsa_ray.stages.pack import Corpus, examples_of, soft_words, tokenizer_of
from fsa_ray.stages.rows import commit, rejects
from fsa_ray.stages.tokenizer import Tokenizer
from fsa_ray.training.pairing import TokenPair, pair_table


class Pair(Stage[Corpus]):
    """Examples of all given tables, in a seeded order. Longer texts are cut, and `kept` says which (FSA-Distillation
    cuts what is read at 128 tokens and what is written at 400)."""

    name: ClassVar[str] = "pair"
    version: ClassVar[int] = 1
    flow: ClassVar[Flow | None] = Flow(source="examples")

    examples: tuple[Stage[Rows], ...]
    tokenizer: Stage[Tokenizer] | Stage[Model]
    source_length: int = 128
    target_length: int = 400
    seed: int = 0

    def run(self, ctx: StageContext) -> Corpus:
        examples = examples_of(ctx, self.examples)
        form = PairFormat(tokenizer_of(ctx, self.tokenizer))
        words = soft_words(examples, lambda word: form.target_ids(word)[0][0]) or (None,) * len(examples)
        columns = (examples[name].to_pylist() for name in ("id", "prompt", "answer"))
        pairs = []
        for (id_, prompt, answer), soft in zip(zip(*columns, strict=True), words, strict=True):
            source, source_cut = form.source_ids(prompt, self.source_length)
            target, target_cut = form.target_ids(answer, self.target_length)
            ids = (np.array(source, np.int32), np.array(target, np.int32))
            pairs.append(TokenPair(id_, *ids, source_cut or target_cut, soft))
        paired = pair_table(pairs, self.seed)
        refusals = rejects({**row, "parent": row["id"]} for row in paired.rejects.to_pylist())
        rows = commit(ctx, paired.members, [refusals])
        tokens = sum(len(pair.source) + len(pair.target) for pair in pairs)
        ctx.measure(packed_rows=len(paired.rows), tokens=tokens, cut=sum(pair.cut for pair in pairs))
        return Corpus(
            **rows.model_dump(),
            packed=write_table(ctx.root, ctx.out / "packed", paired.rows, rows_per_file=50_000),
        )

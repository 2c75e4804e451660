"""Turn examples into the fixed-length rows that a trainer reads."""

from typing import Any, ClassVar

import numpy as np
import pyarrow as pa

from fsa_ray.core.artifact import Artifact, Flow, Rows, Table
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.core.tables import read_table, write_table
from fsa_ray.sentiment.chat import ChatFormat
from fsa_ray.stages.model import Model, local_path
from fsa_ray.stages.rows import commit, rejects
from fsa_ray.stages.tokenizer import Tokenizer
from fsa_ray.training.packing import Tokenized, pack_table


class Corpus(Rows):
    """`kept` says for each example in which row it lies; `packed` holds the rows."""

    packed: Table
    row_length: int
    fill: float  # share of the packed tokens that is not padding


class Pack(Stage[Corpus]):
    """Examples of all given tables in the student's chat format, loss on the answers only, in a seeded order."""

    name: ClassVar[str] = "pack"
    version: ClassVar[int] = 1
    flow: ClassVar[Flow | None] = Flow(source="examples")

    examples: tuple[Stage[Rows], ...]
    tokenizer: Stage[Tokenizer] | Stage[Model]
    row_length: int
    seed: int = 0

    def run(self, ctx: StageContext) -> Corpus:
        tables = [read_table(ctx.root, ctx.load(stage).kept, ["id", "prompt", "answer"]) for stage in self.examples]
        examples = pa.concat_tables(tables)
        tokenizer = _tokenizer(ctx, self.tokenizer)
        tokenized = _tokenize(ChatFormat(tokenizer), examples)
        pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id
        packed = pack_table(tokenized, self.row_length, pad, self.seed)
        refusals = rejects({**row, "parent": row["id"]} for row in packed.rejects.to_pylist())
        rows = commit(ctx, packed.members, [refusals])
        ctx.measure(packed_rows=len(packed.rows), tokens=int(tokenized.lengths.sum()), fill=packed.fill)
        return Corpus(
            **rows.model_dump(),
            packed=write_table(ctx.root, ctx.out / "packed", packed.rows, rows_per_file=4096),
            row_length=self.row_length,
            fill=packed.fill,
        )


def _tokenizer(ctx: StageContext, stage: "Stage[Tokenizer] | Stage[Model]") -> Any:
    from transformers import AutoTokenizer

    artifact: Artifact = ctx.load(stage)
    assert isinstance(artifact, Tokenizer | Model)
    model = artifact if isinstance(artifact, Model) else Model(files=artifact.files)
    return AutoTokenizer.from_pretrained(local_path(ctx.root, model), trust_remote_code=model.trust_remote_code)


def _tokenize(chat: ChatFormat, examples: pa.Table) -> Tokenized:
    pairs = [
        chat.example_ids(prompt, answer)
        for prompt, answer in zip(examples["prompt"].to_pylist(), examples["answer"].to_pylist(), strict=True)
    ]
    lengths = np.array([len(ids) for ids, _ in pairs], dtype=np.int64)
    flat = (token for ids, _ in pairs for token in ids)
    return Tokenized(
        ids=examples["id"].combine_chunks(),
        tokens=np.fromiter(flat, dtype=np.int32, count=int(lengths.sum())),
        offsets=np.concatenate([[0], np.cumsum(lengths)]),
        prompt=np.array([prompt for _, prompt in pairs], dtype=np.int64),
    )

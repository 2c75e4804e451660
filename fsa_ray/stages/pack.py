"""Turn examples into the fixed-length rows that a trainer reads."""

from collections.abc import Callable
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
from fsa_ray.training.soft_targets import LabelWords, label_words


class Corpus(Rows):
    """`kept` says for each example in which row it lies; `packed` holds the rows: packed ones, or pairs of texts."""

    packed: Table


class Pack(Stage[Corpus]):
    """Examples of all given tables in the student's chat format, loss on the answers only, in a seeded order.

    The teacher's probabilities of label words go with the examples that have them.
    """

    name: ClassVar[str] = "pack"
    version: ClassVar[int] = 2
    flow: ClassVar[Flow | None] = Flow(source="examples")

    examples: tuple[Stage[Rows], ...]
    tokenizer: Stage[Tokenizer] | Stage[Model]
    row_length: int
    seed: int = 0

    def run(self, ctx: StageContext) -> Corpus:
        examples = examples_of(ctx, self.examples)
        tokenizer = tokenizer_of(ctx, self.tokenizer)
        tokenized = _tokenize(ChatFormat(tokenizer), examples)
        pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id
        packed = pack_table(tokenized, self.row_length, pad, self.seed)
        refusals = rejects({**row, "parent": row["id"]} for row in packed.rejects.to_pylist())
        rows = commit(ctx, packed.members, [refusals])
        soft = sum(one is not None for one in tokenized.soft)
        ctx.measure(packed_rows=len(packed.rows), tokens=int(tokenized.lengths.sum()), fill=packed.fill, soft=soft)
        return Corpus(
            **rows.model_dump(),
            packed=write_table(ctx.root, ctx.out / "packed", packed.rows, rows_per_file=4096),
        )


def examples_of(ctx: StageContext, stages: tuple[Stage[Rows], ...]) -> pa.Table:
    """What is read, what is to be written, and the teacher's word on labels, of all tables."""
    columns = ["id", "prompt", "answer", "labels", "label_logprobs"]
    return pa.concat_tables([read_table(ctx.root, ctx.load(stage).kept, columns) for stage in stages])


def tokenizer_of(ctx: StageContext, stage: "Stage[Tokenizer] | Stage[Model]") -> Any:
    from transformers import AutoTokenizer

    artifact: Artifact = ctx.load(stage)
    assert isinstance(artifact, Tokenizer | Model)
    model = artifact if isinstance(artifact, Model) else Model(files=artifact.files)
    return AutoTokenizer.from_pretrained(local_path(ctx.root, model), trust_remote_code=model.trust_remote_code)


def soft_words(examples: pa.Table, first: Callable[[str], int]) -> tuple[LabelWords | None, ...]:
    """Of each example the label words with which its answer begins; empty where no example has any. `first` gives a
    word's first token there."""
    if examples["label_logprobs"].null_count == len(examples):
        return ()
    known: dict[str, int] = {}
    found: list[LabelWords | None] = []
    for words, logprobs in zip(examples["labels"].to_pylist(), examples["label_logprobs"].to_pylist(), strict=True):
        if words is None or logprobs is None:
            found.append(None)
            continue
        for word in words:
            if word not in known:
                known[word] = first(word)
        found.append(label_words([known[word] for word in words], logprobs))
    return tuple(found)


def _tokenize(chat: ChatFormat, examples: pa.Table) -> Tokenized:
    pairs = [
        chat.example_ids(prompt, answer)
        for prompt, answer in zip(examples["prompt"].to_pylist(), examples["answer"].to_pylist(), strict=True)
    ]
    lengths = np.array([len(ids) for ids, _ in pairs], dtype=np.int64)
    flat = (token for ids, _ in pairs for token in ids)

    def first(word: str) -> int:
        ids, prompt = chat.example_ids("", word)
        return ids[prompt]

    return Tokenized(
        ids=examples["id"].combine_chunks(),
        tokens=np.fromiter(flat, dtype=np.int32, count=int(lengths.sum())),
        offsets=np.concatenate([[0], np.cumsum(lengths)]),
        prompt=np.array([prompt for _, prompt in pairs], dtype=np.int64),
        soft=soft_words(examples, first),
    )

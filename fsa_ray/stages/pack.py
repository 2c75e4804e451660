"""Turn examples into the fixed-length rows that a trainer reads."""

from collections.abc import Callable, Iterable
from itertools import chain
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa

from fsa_ray.core.artifact import Artifact, Flow, Rows, Table
from fsa_ray.core.scratch import scratch_file
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.core.tables import TableWriter, iter_slices, read_table
from fsa_ray.schemas.rows import EXAMPLE
from fsa_ray.sentiment.chat import ChatFormat
from fsa_ray.stages.model import Model, local_path
from fsa_ray.stages.rows import commit, rejects
from fsa_ray.stages.tokenizer import Tokenizer
from fsa_ray.training.packing import Tokenized, pack_table
from fsa_ray.training.soft_targets import LabelWords, label_words

_COLUMNS = ["id", "prompt", "answer", "labels", "label_logprobs"]
_LABELS = pa.schema([EXAMPLE.field(name) for name in ("id", "labels", "label_logprobs")])


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
        tokenizer = tokenizer_of(ctx, self.tokenizer)
        tables = [ctx.load(stage).kept for stage in self.examples]
        slices = chain.from_iterable(iter_slices(ctx.root, table, _COLUMNS) for table in tables)
        tokenized = _tokenize(ChatFormat(tokenizer), slices)
        pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id
        packed = pack_table(tokenized, self.row_length, pad, self.seed)
        refusals = rejects({**row, "parent": row["id"]} for row in packed.rejects.to_pylist())
        rows = commit(ctx, packed.members, [refusals])
        soft = sum(one is not None for one in tokenized.soft)
        ctx.measure(packed_rows=packed.row_count, tokens=int(tokenized.lengths.sum()), fill=packed.fill, soft=soft)
        writer = TableWriter(ctx.root, ctx.out / "packed", packed.schema, rows_per_file=4096)
        for part in packed.parts():
            writer.add(part)
        return Corpus(**rows.model_dump(), packed=writer.close())


def examples_of(ctx: StageContext, stages: tuple[Stage[Rows], ...]) -> pa.Table:
    """What is read, what is to be written, and the teacher's word on labels, of all tables."""
    return pa.concat_tables([read_table(ctx.root, ctx.load(stage).kept, _COLUMNS) for stage in stages])


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


def _tokenize(chat: ChatFormat, slices: Iterable[pa.Table]) -> Tokenized:
    """A slice at a time, as lists of Python tokens take many times their room; what they become lies on the disk."""

    def first(word: str) -> int:
        ids, prompt = chat.example_ids("", word)
        return ids[prompt]

    lengths, prompts, others = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], []
    with scratch_file("the tokens of the examples") as scratch:
        for examples in slices:
            texts = zip(examples["prompt"].to_pylist(), examples["answer"].to_pylist(), strict=True)
            pairs = [chat.example_ids(prompt, answer) for prompt, answer in texts]
            scratch.write(np.fromiter(chain.from_iterable(ids for ids, _ in pairs), dtype=np.int32).data)
            lengths.append(np.array([len(ids) for ids, _ in pairs], dtype=np.int64))
            prompts.append(np.array([prompt for _, prompt in pairs], dtype=np.int64))
            others.append(examples.select(["id", "labels", "label_logprobs"]))
        tokens = np.memmap(scratch, np.int32, "r") if scratch.tell() else np.zeros(0, np.int32)
    rest = pa.concat_tables([_LABELS.empty_table(), *others])
    return Tokenized(
        ids=rest["id"].combine_chunks(),
        tokens=tokens,
        offsets=np.concatenate([[0], np.cumsum(np.concatenate(lengths))]),
        prompt=np.concatenate(prompts),
        soft=soft_words(rest, first),
    )

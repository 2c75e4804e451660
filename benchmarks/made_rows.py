"""Made-up rows of the tables between stages, as many as wanted, the same for the same seed."""

from collections.abc import Callable
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fsa_ray.core.artifact import Rows, Table
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.core.tables import write_part
from fsa_ray.schemas.rows import REJECT, RESPONSE, REVIEW, SCORED_EXAMPLE

ROWS_PER_FILE = 50_000
COPIES, NEAR_COPIES, UNREADABLE = 0.02, 0.01, 0.03  # shares of the rows


class Made(Stage[Rows]):
    """Made-up rows of a kind, written file by file."""

    name: ClassVar[str] = "made"
    version: ClassVar[int] = 1

    kind: str
    rows: int
    seed: int = 0

    def run(self, ctx: StageContext) -> Rows:
        files = []
        for number, start in enumerate(range(0, self.rows, ROWS_PER_FILE)):
            part = MAKERS[self.kind](self.seed, number, min(ROWS_PER_FILE, self.rows - start))
            files.append(write_part(ctx.root, ctx.out / "kept", f"part-{number:05d}.parquet", part))
        none = write_part(ctx.root, ctx.out / "rejected", "part-00000.parquet", REJECT.empty_table())
        return Rows(kept=Table(files=tuple(files)), rejected=Table(files=(none,)))


def texts(seed: int, part: int, rows: int) -> pa.Array:
    """Reviews of 5 to 300 words, log-normal with median 45, words by Zipf's law; some copied, some nearly."""
    random = np.random.default_rng([seed, part])
    syllables = np.array([a + b for a in "bcdfghklmnprstvw" for b in ("a", "e", "i", "o", "u", "ai", "ou")])
    words = np.random.default_rng(0).choice(syllables, (20_000, 3))
    vocabulary = pa.array(["".join(word[: 1 + number % 3]) for number, word in enumerate(words)])
    lengths = np.clip(random.lognormal(np.log(45), 0.6, rows), 5, 300).astype(np.int64)
    which = np.minimum(random.zipf(1.2, lengths.sum()), len(vocabulary)) - 1
    lists = pa.ListArray.from_arrays(
        pa.array(np.concatenate([[0], np.cumsum(lengths)]), pa.int32()), vocabulary.take(pa.array(which))
    )
    made = pc.binary_join(lists, " ")
    chance = random.random(rows)
    source = np.where(chance < COPIES + NEAR_COPIES, np.maximum(np.arange(rows) - 7, 0), np.arange(rows))
    made = made.take(pa.array(source))
    near = pa.array((chance >= COPIES) & (chance < COPIES + NEAR_COPIES))
    return pc.if_else(near, pc.binary_join_element_wise(made, "today", " "), made)


def ids(seed: int, part: int, rows: int) -> pa.Array:
    """Random 128-bit ids, equal for equal arguments."""
    data = np.random.default_rng([seed, part, 1]).bytes(16 * rows).hex()
    return pa.array([data[at : at + 32] for at in range(0, len(data), 32)], pa.string())


def reviews(seed: int, part: int, rows: int) -> pa.Table:
    names = pa.array([f"r{part}-{row}" for row in range(rows)])
    return pa.table([ids(seed, part, rows), names, pa.nulls(rows, pa.string()), texts(seed, part, rows)], REVIEW)


def said_of(texts_: list[str], random: np.random.Generator) -> list[str]:
    """What the scripted teacher says: two opinions that quote the review, at times nothing that can be read."""
    broken = random.random(len(texts_)) < UNREADABLE
    said = []
    for text, bad in zip(texts_, broken, strict=True):
        words = text.split(" ")
        lines = [f"{words[at]} | food | negative | {' '.join(words[at : at + 3])}" for at in (0, len(words) // 2)]
        said.append("bananas" if bad else "\n".join(["negative", *lines]))
    return said


def responses(seed: int, part: int, rows: int) -> pa.Table:
    """One analysis of each review with the same seed."""
    parents = ids(seed, part, rows)
    said = said_of(texts(seed, part, rows).to_pylist(), np.random.default_rng([seed, part, 2]))
    table = {
        "id": ids(seed + 1_000, part, rows), "parent": parents, "kind": ["analysis"] * rows, "text": said,
        "finish_reason": ["stop"] * rows, "prompt_tokens": [150] * rows, "output_tokens": [40] * rows,
        "tries": [1] * rows, "label_logprobs": [[-0.1, -3.0, -4.0]] * rows,
    }  # fmt: skip
    columns = [pa.array(table[f.name], f.type) if f.name in table else pa.nulls(rows, f.type) for f in RESPONSE]
    return pa.table(columns, RESPONSE)


def scored(seed: int, part: int, rows: int) -> pa.Table:
    random = np.random.default_rng([seed, part, 3])
    prompts = texts(seed, part, rows)
    table = {
        "id": ids(seed, part, rows), "parent": ids(seed, part, rows), "review_id": ids(seed, part, rows),
        "kind": ["analysis"] * rows, "group": ["analysis"] * rows, "prompt": prompts,
        "answer": said_of(prompts.to_pylist(), random), "difficulty": random.random(rows), "answer_tokens": [40] * rows,
    }  # fmt: skip
    columns = [pa.array(table[f.name], f.type) if f.name in table else pa.nulls(rows, f.type) for f in SCORED_EXAMPLE]
    return pa.table(columns, SCORED_EXAMPLE)


MAKERS: dict[str, Callable[[int, int, int], pa.Table]] = {
    "reviews": reviews,
    "responses": responses,
    "scored": scored,
}

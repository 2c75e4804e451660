"""Puts pairs of texts into the order and the form in which an encoder-decoder is trained on them."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from fsa_ray.training.packing import Int32s
from fsa_ray.training.soft_targets import COLUMNS, LabelWords, soft_columns


@dataclass(frozen=True)
class TokenPair:
    """What is read and what is to be written, as int32 token ids; `cut` if a text was longer than its limit."""

    id: str
    source: Int32s
    target: Int32s
    cut: bool
    words: LabelWords | None = None


@dataclass(frozen=True)
class Paired:
    """rows: source, target (lists of int32), answer_tokens. members: id, row, cut. rejects: id, reason, detail."""

    rows: pa.Table
    members: pa.Table
    rejects: pa.Table


def pair_table(pairs: list[TokenPair], seed: int) -> Paired:
    """One row for each pair, in an order that depends on `seed` only. A pair without text to read or to write is a
    reject (no_prompt, no_answer)."""
    whole = [pair for pair in pairs if len(pair.source) and len(pair.target)]
    order = np.random.default_rng([seed, 0]).permutation(len(whole))
    kept = [whole[number] for number in order.tolist()]
    rows = pa.table(
        {
            "source": pa.array([pair.source for pair in kept], pa.list_(pa.int32())),
            "target": pa.array([pair.target for pair in kept], pa.list_(pa.int32())),
            "answer_tokens": pa.array([len(pair.target) for pair in kept], pa.int32()),
        }
    )
    if any(pair.words is not None for pair in kept):
        numbers = np.arange(len(kept))
        columns = soft_columns([pair.words for pair in kept], numbers, np.zeros(len(kept), np.int64), len(kept))
        for name, column in zip(COLUMNS, columns, strict=True):
            rows = rows.append_column(name, column)
    members = pa.table(
        {
            "id": pa.array([pair.id for pair in kept], pa.string()),
            "row": pa.array(range(len(kept)), pa.int32()),
            "cut": pa.array([pair.cut for pair in kept], pa.bool_()),
        }
    )
    empty = [pair for pair in pairs if not (len(pair.source) and len(pair.target))]
    rejects = pa.table(
        {
            "id": pa.array([pair.id for pair in empty], pa.string()),
            "reason": pa.array(["no_answer" if len(pair.source) else "no_prompt" for pair in empty], pa.string()),
            "detail": pa.array([f"{len(pair.source)} and {len(pair.target)} tokens" for pair in empty], pa.string()),
        }
    )
    return Paired(rows, members, rejects)

"""Packs examples of unequal length into rows of fixed length, so that little is spent on padding.

Best-fit decreasing: the longest examples first, each into the fullest row that still holds it. Rows with the same
room are interchangeable and so are examples of the same length, hence whole classes are placed with one array
operation, and a million examples take about a second.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fsa_ray.training.soft_targets import COLUMNS, LabelWords, soft_columns

IGNORE = -100
"""Label of a token that has no part in the loss (PyTorch's default `ignore_index`)."""

_ROWS_PER_BATCH = 1024

Ints = NDArray[np.int64]
Int32s = NDArray[np.int32]


@dataclass(frozen=True)
class Tokenized:
    """Examples as token ids: number `i` is `tokens[offsets[i]:offsets[i + 1]]`, of which the first `prompt[i]` ask.

    `soft`: of each example the label words of its answer, or None; empty if no example has any.
    """

    ids: pa.StringArray
    tokens: Int32s
    offsets: Ints
    prompt: Ints
    soft: tuple[LabelWords | None, ...] = ()

    def __post_init__(self) -> None:
        n = len(self.ids)
        assert len(self.offsets) == n + 1 and len(self.prompt) == n and self.offsets[-1] == len(self.tokens)

    @property
    def lengths(self) -> Ints:
        return np.diff(self.offsets)


@dataclass(frozen=True)
class Packed:
    """What packing made of the examples. Each id is in `members` or in `rejects`, once.

    parts: makes the rows anew, some at a time, with fields of `schema`: tokens, labels, positions, documents
    (fixed-size lists of int32, one per row), answer_tokens (int32), and those of `soft_targets` where examples have
    them. members: id, row, start, length, answer_tokens. rejects: id, reason (too_long, no_prompt, no_answer), detail.
    """

    parts: Callable[[], Iterator[pa.Table]]
    schema: pa.Schema
    row_count: int
    members: pa.Table
    rejects: pa.Table

    @property
    def rows(self) -> pa.Table:
        """All rows at once: 16 bytes for each of their tokens."""
        return pa.concat_tables([self.schema.empty_table(), *self.parts()])

    @property
    def fill(self) -> float:
        """Share of the rows' tokens that belongs to an example, 0 to 1; 0 without rows."""
        total = self.row_count * self.schema.field("tokens").type.list_size
        return float(np.sum(self.members["length"].to_numpy())) / total if total else 0.0


def row_schema(row_length: int) -> pa.Schema:
    """Arrow schema of packed rows; `documents` numbers a row's documents from 0, the padding being one of its own."""
    ints = pa.list_(pa.int32(), row_length)
    return pa.schema(
        [("tokens", ints), ("labels", ints), ("positions", ints), ("documents", ints), ("answer_tokens", pa.int32())]
    )


def pack_table(examples: Tokenized, row_length: int, pad_id: int, seed: int) -> Packed:
    """Packs `examples` into rows of `row_length` tokens, in an order that depends on `seed` only.

    Labels are the tokens themselves on answers and -100 elsewhere (not shifted); positions restart with each
    document. With `soft` the rows have the columns of `soft_targets` as well. An example that is longer than a row, or
    has no prompt or no answer, is a reject: nothing is cut.
    """
    if row_length < 2:
        raise ValueError(f"row_length is {row_length}; a row must hold a prompt and an answer, so give at least 2")
    lengths = examples.lengths
    fits = (lengths <= row_length) & (examples.prompt >= 1) & (examples.prompt < lengths)
    random = np.random.default_rng([seed, 0])
    kept = random.permutation(np.flatnonzero(fits))
    row, start = best_fit(lengths[kept], row_length)
    row_count = int(row.max()) + 1 if len(row) else 0
    row = random.permutation(row_count)[row]
    order = np.lexsort((start, row))
    placed = _Placed(kept[order], row[order], start[order])
    members = pa.table(
        {
            "id": examples.ids.take(pa.array(placed.number)),
            "row": pa.array(placed.row, pa.int32()),
            "start": pa.array(placed.start, pa.int32()),
            "length": pa.array(lengths[placed.number], pa.int32()),
            "answer_tokens": pa.array((lengths - examples.prompt)[placed.number], pa.int32()),
        }
    )
    soft = _soft_table(examples, placed, row_count)
    schema = pa.schema([*row_schema(row_length), *soft.schema])

    def parts() -> Iterator[pa.Table]:
        for first in range(0, row_count, _ROWS_PER_BATCH):
            last = min(first + _ROWS_PER_BATCH, row_count)
            rows = _rows(examples, placed.of_rows(first, last), (last - first, row_length), pad_id)
            yield pa.table([*rows.columns, *soft.slice(first, last - first).columns], schema)

    return Packed(parts, schema, row_count, members, _rejects(examples, np.flatnonzero(~fits), row_length))


def _soft_table(examples: Tokenized, placed: "_Placed", row_count: int) -> pa.Table:
    """The columns of `soft_targets` of all rows; none if no example has any."""
    if not examples.soft:
        return pa.table({})
    words = [examples.soft[number] for number in placed.number.tolist()]
    places = placed.start + examples.prompt[placed.number]
    return pa.table(soft_columns(words, placed.row, places, row_count), list(COLUMNS))


def best_fit(lengths: Ints, row_length: int) -> tuple[Ints, Ints]:
    """Assigns each length (1 to `row_length`) a place: (row, start), both shaped like `lengths`.

    Among equal lengths the earlier is placed first, so the caller's order decides which examples share a row.
    """
    places = _Places(len(lengths), row_length)
    assert not len(lengths) or (lengths.min() >= 1 and lengths.max() <= row_length)
    order = np.argsort(-lengths, kind="stable")
    distinct, counts = np.unique(-lengths, return_counts=True)
    ends = np.cumsum(counts)
    for length, begin, end in zip((-distinct).tolist(), (ends - counts).tolist(), ends.tolist(), strict=True):
        items = order[begin:end]
        for room in places.rooms(length):
            items = places.fill(places.take(room), room, items, length)
            if not len(items):
                break
        if len(items):
            places.fill(places.open(-(-len(items) // (row_length // length))), row_length, items, length)
    return places.row, places.start


class _Places:
    """Where each item goes, and the rows that still have room, by how much."""

    def __init__(self, items: int, row_length: int) -> None:
        self.row = np.empty(items, np.int64)
        self.start = np.empty(items, np.int64)
        self._row_length = row_length
        self._by_room: list[list[Ints]] = [[] for _ in range(row_length + 1)]
        self._has = np.zeros(row_length + 1, bool)
        self._opened = 0

    def rooms(self, least: int) -> list[int]:
        return (np.flatnonzero(self._has[least:]) + least).tolist()  # type: ignore[no-any-return]

    def open(self, count: int) -> Ints:
        self._opened += count
        return np.arange(self._opened - count, self._opened)

    def take(self, room: int) -> Ints:
        rows = np.concatenate(self._by_room[room])
        self._by_room[room] = []
        self._has[room] = False
        return rows

    def fill(self, rows: Ints, room: int, items: Ints, length: int) -> Ints:
        """Puts as many items of one length as fit into rows of one room; returns the items left over."""
        each = room // length
        count = min(len(items), len(rows) * each)
        full, rest = divmod(count, each)
        self.row[items[:count]] = np.repeat(rows, each)[:count]
        self.start[items[:count]] = self._row_length - room + np.tile(np.arange(each) * length, len(rows))[:count]
        self._give_back(rows[:full], room - each * length)
        self._give_back(rows[full : full + (rest > 0)], room - rest * length)
        self._give_back(rows[full + (rest > 0) :], room)
        return items[count:]

    def _give_back(self, rows: Ints, room: int) -> None:
        if room and len(rows):
            self._by_room[room].append(rows)
            self._has[room] = True


@dataclass(frozen=True)
class _Placed:
    """Which example (`number`) stands in which row from which token on; sorted by row, then start."""

    number: Ints
    row: Ints
    start: Ints

    def of_rows(self, first: int, last: int) -> "_Placed":
        """The part that lies in rows `first` to `last` (exclusive), renumbered from 0."""
        part = slice(*np.searchsorted(self.row, [first, last]).tolist())
        return _Placed(self.number[part], self.row[part] - first, self.start[part])


def _rows(examples: Tokenized, placed: _Placed, shape: tuple[int, int], pad_id: int) -> pa.Table:
    columns = _fill_rows(examples, placed, shape, pad_id)
    answer_tokens = (columns[1] != IGNORE).sum(axis=1, dtype=np.int32)
    lists = [pa.FixedSizeListArray.from_arrays(pa.array(c.reshape(-1)), shape[1]) for c in columns]
    return pa.table([*lists, pa.array(answer_tokens)], row_schema(shape[1]))


def _fill_rows(
    examples: Tokenized, placed: _Placed, shape: tuple[int, int], pad_id: int
) -> tuple[Int32s, Int32s, Int32s, Int32s]:
    """tokens, labels, positions and documents of some rows, each int32 of `shape` (rows, row length)."""
    row_count, row_length = shape
    kept, row = placed.number, placed.row
    length = examples.offsets[kept + 1] - examples.offsets[kept]
    within = np.arange(length.sum()) - np.repeat(np.cumsum(length) - length, length)
    place = np.repeat(row * row_length + placed.start, length) + within
    tokens = np.full(shape, pad_id, np.int32)
    labels = np.full(shape, IGNORE, np.int32)
    values = examples.tokens[np.repeat(examples.offsets[kept], length) + within]
    tokens.reshape(-1)[place] = values
    is_answer = within >= np.repeat(examples.prompt[kept], length)
    labels.reshape(-1)[place[is_answer]] = values[is_answer]
    used = np.bincount(row, weights=length, minlength=row_count).astype(np.int64)
    per_row = np.bincount(row, minlength=row_count)
    columns = np.arange(row_length)
    padding = columns >= used[:, None]
    positions = np.where(padding, columns - used[:, None], 0).astype(np.int32)
    documents = np.where(padding, per_row[:, None], 0).astype(np.int32)
    positions.reshape(-1)[place] = within
    ordinal = np.arange(len(kept)) - np.repeat(np.cumsum(per_row) - per_row, per_row)
    documents.reshape(-1)[place] = np.repeat(ordinal, length)
    return tokens, labels, positions, documents


def _rejects(examples: Tokenized, rejected: Ints, row_length: int) -> pa.Table:
    length, prompt = examples.lengths[rejected], examples.prompt[rejected]
    reason = np.where(length > row_length, "too_long", np.where(prompt < 1, "no_prompt", "no_answer"))
    detail = [f"{n} tokens, {p} of them prompt; a row holds {row_length}" for n, p in zip(length, prompt, strict=True)]
    return pa.table(
        {
            "id": examples.ids.take(pa.array(rejected)),
            "reason": pa.array(reason.tolist(), pa.string()),
            "detail": pa.array(detail, pa.string()),
        }
    )

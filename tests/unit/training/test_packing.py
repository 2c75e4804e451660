import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsa_ray.training.packing import IGNORE, Packed, Tokenized, best_fit, pack_table


def tokenized(lengths: list[int], prompts: list[int]) -> Tokenized:
    """Example i's tokens are i * 1000 + 0, 1, 2, ... so that each can be found again."""
    tokens = [i * 1000 + t for i, n in enumerate(lengths) for t in range(n)]
    return Tokenized(
        pa.array([f"e{i}" for i in range(len(lengths))], pa.string()),
        np.array(tokens, np.int32),
        np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        np.array(prompts, np.int64),
    )


def matrix(packed: Packed, name: str) -> np.ndarray:
    return np.array(packed.rows[name].to_pylist())


EXAMPLES = st.lists(st.tuples(st.integers(1, 40), st.integers(0, 40)), max_size=60)


@given(EXAMPLES, st.integers(2, 32), st.integers(0, 5))
@settings(max_examples=80, deadline=None)
def test_every_example_is_in_a_row_or_rejected_and_nothing_is_cut(examples, row_length, seed):
    lengths, prompts = [n for n, _ in examples], [min(p, n) for n, p in examples]
    packed = pack_table(tokenized(lengths, prompts), row_length, pad_id=-7, seed=seed)
    members, rejects = packed.members.to_pylist(), packed.rejects.to_pylist()
    assert sorted([m["id"] for m in members] + [r["id"] for r in rejects]) == sorted(
        f"e{i}" for i in range(len(lengths))
    )
    for reject in rejects:
        number = int(reject["id"][1:])
        assert lengths[number] > row_length or prompts[number] in (0, lengths[number])
    if not members:
        return
    tokens, labels, positions = (matrix(packed, name) for name in ("tokens", "labels", "positions"))
    covered = np.zeros_like(tokens)
    for member in members:
        number, row, span = (
            int(member["id"][1:]),
            member["row"],
            slice(member["start"], member["start"] + member["length"]),
        )
        own = np.arange(lengths[number]) + number * 1000
        assert tokens[row, span].tolist() == own.tolist()
        assert positions[row, span].tolist() == list(range(lengths[number]))
        assert labels[row, span].tolist() == [IGNORE] * prompts[number] + own[prompts[number] :].tolist()
        covered[row, span] += 1
    assert covered.max() == 1
    assert (tokens[covered == 0] == -7).all()
    assert (labels[covered == 0] == IGNORE).all()
    assert packed.rows["answer_tokens"].to_pylist() == (labels != IGNORE).sum(axis=1).tolist()


def test_positions_restart_at_the_padding_and_documents_are_numbered():
    packed = pack_table(tokenized([5, 3], [1, 1]), 12, pad_id=0, seed=0)
    assert matrix(packed, "positions").tolist() == [[0, 1, 2, 3, 4, 0, 1, 2, 0, 1, 2, 3]]
    assert matrix(packed, "documents").tolist() == [[0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 2]]


def test_order_depends_on_the_seed_only():
    examples = tokenized([7, 3, 9, 4, 4, 8, 2] * 9, [1] * 63)
    assert pack_table(examples, 16, 0, seed=1).rows == pack_table(examples, 16, 0, seed=1).rows
    assert pack_table(examples, 16, 0, seed=1).rows != pack_table(examples, 16, 0, seed=2).rows


@given(st.lists(st.integers(1, 50), min_size=1, max_size=200))
@settings(max_examples=80, deadline=None)
def test_best_fit_is_best_fit_decreasing(lengths):
    rows, starts = best_fit(np.array(lengths), 50)
    used = np.bincount(rows, weights=lengths)
    assert used.max() <= 50
    assert len(used) == slow_best_fit(lengths, 50)
    for row in range(len(used)):
        inside = np.flatnonzero(rows == row)
        order = inside[np.argsort(starts[inside])]
        assert starts[order].tolist() == [0, *np.cumsum(np.array(lengths)[order])[:-1].tolist()]


def slow_best_fit(lengths: list[int], row_length: int) -> int:
    room: list[int] = []
    for length in sorted(lengths, reverse=True):
        fitting = [r for r in room if r >= length]
        if fitting:
            room[room.index(min(fitting))] -= length
        else:
            room.append(row_length - length)
    return len(room)


def test_no_examples_give_no_rows():
    packed = pack_table(tokenized([], []), 8, 0, 0)
    assert (len(packed.rows), len(packed.members), len(packed.rejects), packed.fill) == (0, 0, 0, 0.0)


def test_a_row_must_hold_something():
    with pytest.raises(ValueError, match="row_length is 1"):
        pack_table(tokenized([3], [1]), 1, 0, 0)

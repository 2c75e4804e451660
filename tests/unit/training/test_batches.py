import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsa_ray.core.tables import write_table
from fsa_ray.storage.folder import Folder
from fsa_ray.training.batches import StepRows, accumulation, group_sizes
from fsa_ray.training.packed_rows import PackedRows
from fsa_ray.training.packing import Tokenized, pack_table
from fsa_ray.training.rows import filled, read_rows


@given(st.integers(1, 40), st.integers(1, 12), st.integers(1, 4), st.integers(0, 3))
def test_each_row_is_seen_once_an_epoch_and_the_last_batch_is_filled(row_count, global_batch, epochs, seed):
    order = StepRows(row_count, global_batch, seed)
    seen = np.concatenate([order.of_step(step) for step in range(order.steps(epochs))])
    for epoch in range(epochs):
        assert sorted(seen[epoch * row_count : (epoch + 1) * row_count]) == list(range(row_count))
    counts = np.bincount(seen, minlength=row_count)
    assert counts.min() >= epochs
    assert len(seen) - epochs * row_count < global_batch


@given(st.sampled_from([1, 2, 3, 6]), st.sampled_from([1, 2]))
def test_workers_share_a_step_in_order(workers, micro_batch):
    rows = PackedRows.of(packed(12))
    dealt = rows.dealt(np.arange(12), workers, micro_batch)
    assert dealt.shape == (workers, 12 // workers // micro_batch, micro_batch)
    assert dealt.reshape(-1).tolist() == list(range(12))


@given(st.integers(1, 30), st.integers(1, 4), st.integers(1, 4))
def test_rows_to_look_at_fill_whole_micro_batches_and_count_once(count, workers, micro_batch):
    numbers, counts = filled(count, workers, micro_batch)
    assert len(numbers) % (workers * micro_batch) == 0
    assert numbers[counts].tolist() == list(range(count))
    assert len(numbers) - count < workers * micro_batch


def test_steps_do_not_depend_on_what_was_read_before():
    assert StepRows(9, 4, 1).of_step(7).tolist() == StepRows(9, 4, 1).of_step(7).tolist()
    assert StepRows(9, 4, 1).of_step(7).tolist() != StepRows(9, 4, 2).of_step(7).tolist()


def test_accumulation_is_derived():
    assert accumulation(64, workers=2, micro_batch=8) == 4
    with pytest.raises(ValueError, match="global_batch 10 is not a multiple"):
        accumulation(10, workers=2, micro_batch=4)
    with pytest.raises(ValueError, match="change the placement"):
        accumulation(4, workers=2, micro_batch=4)


def test_an_empty_corpus_is_refused():
    with pytest.raises(ValueError, match="has no rows"):
        StepRows(0, 4, 1)


def packed(row_length: int) -> pa.Table:
    ids = pa.array([f"{i}" for i in range(9)])
    examples = Tokenized(ids, np.arange(45, dtype=np.int32), np.arange(0, 46, 5), np.full(9, 2))
    return pack_table(examples, row_length, 0, 0).rows


def test_rows_are_read_as_they_were_packed(tmp_path):
    root = Folder(str(tmp_path))
    table = packed(12)
    rows = read_rows(root, write_table(root, root / "corpus", table, rows_per_file=2))
    assert isinstance(rows, PackedRows)
    assert rows.tokens.tolist() == table["tokens"].to_pylist()
    assert rows.labels.tolist() == table["labels"].to_pylist()
    assert rows.positions.tolist() == table["positions"].to_pylist()
    assert rows.answer_tokens.tolist() == table["answer_tokens"].to_pylist()


def test_missing_and_mixed_files_are_refused(tmp_path):
    root = Folder(str(tmp_path))
    a = write_table(root, root / "a", packed(12))
    b = write_table(root, root / "b", packed(10))
    with pytest.raises(ValueError, match="not packed like"):
        read_rows(root, a.model_copy(update={"files": a.files + b.files}))
    root.remove(a.files[0].key)
    with pytest.raises(ValueError, match="not found"):
        read_rows(root, a)


def test_a_group_may_have_as_many_workers_as_divide_the_global_batch():
    assert group_sizes(24, 6, 1, 2) == [6, 4, 3, 2, 1]
    assert group_sizes(24, 6, 3, 4) == [6, 3]
    assert group_sizes(24, 6, None, 1) == [6]
    with pytest.raises(ValueError, match="not a multiple"):
        group_sizes(24, 5, 1, 1)


def test_the_fewest_workers_must_divide_the_global_batch_too():
    with pytest.raises(ValueError, match=r"min_workers x micro_batch \(3 x 2\); set min_workers .* one of 1, 2, 4$"):
        group_sizes(16, 4, 3, 2)

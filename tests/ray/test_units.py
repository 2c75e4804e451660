"""Units without Ray: the cut, the commit, the resume."""

from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsa_ray.engine.units import Counts, Unit, UnitFolder
from fsa_ray.storage.folder import Folder
from tests.ray.echo import double, ids, source


def open_units(path: Path, rows: int, unit_rows: int = 10, rows_per_file: int = 1000) -> UnitFolder:
    root = Folder(str(path))
    return UnitFolder.open(root, root / "work", source(root, rows, rows_per_file), unit_rows)


def finish(units: UnitFolder, unit: Unit) -> bool:
    return units.commit(unit, *double(units.read(unit)))


@settings(max_examples=25, deadline=None)
@given(rows=st.integers(0, 60), rows_per_file=st.integers(1, 40), unit_rows=st.integers(1, 25))
def test_units_cover_every_row_once(
    tmp_path_factory: pytest.TempPathFactory, rows: int, rows_per_file: int, unit_rows: int
) -> None:
    units = open_units(tmp_path_factory.mktemp("units"), rows, unit_rows, rows_per_file)
    pending = units.pending()
    assert len(pending) == units.layout.count
    assert all(finish(units, unit) for unit in pending)
    assert ids(units) == list(range(rows))
    assert units.counts() == Counts(rows=rows)


def test_a_second_commit_changes_nothing(tmp_path: Path) -> None:
    units = open_units(tmp_path, 20)
    first = units.pending()[0]
    assert finish(units, first)
    before = units.folder.get(first.name)
    assert not units.commit(first, pa.table({"id": ["other"]}), Counts(rows=1))
    assert units.folder.get(first.name) == before
    assert [unit.index for unit in units.pending()] == [1]


def test_the_first_cut_holds_under_another_placement(tmp_path: Path) -> None:
    units = open_units(tmp_path, 100, unit_rows=10)
    finish(units, units.pending()[0])
    again = open_units(tmp_path, 100, unit_rows=7)
    assert again.layout.unit_rows == 10
    assert len(again.pending()) == 9


def test_units_of_other_input_are_refused(tmp_path: Path) -> None:
    open_units(tmp_path, 100)
    with pytest.raises(ValueError, match="other input files"):
        open_units(tmp_path, 101)


def test_rows_come_from_their_row_groups(tmp_path: Path) -> None:
    units = open_units(tmp_path, 25_000, unit_rows=9_999, rows_per_file=25_000)
    texts = [units.read(unit)["id"].to_pylist() for unit in units.layout.units()]
    assert [int(value, 16) for part in texts for value in part] == list(range(25_000))


def test_rows_that_were_begun_in_vain_are_counted_across_processes(tmp_path: Path) -> None:
    units = open_units(tmp_path, 25)
    for unit in units.pending():
        units.begin(unit)
    finish(units, units.pending()[0])
    again = open_units(tmp_path, 25)
    assert again.rows_redone() == 0
    for unit in again.pending():
        again.begin(unit)
        finish(again, unit)
    assert again.rows_redone() == 15

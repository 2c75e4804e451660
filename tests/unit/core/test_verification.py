"""Verification finds every lost, doubled, unknown row and every changed or missing file."""

import pyarrow as pa
import pytest

from fsa_ray.core.artifact import Rows
from fsa_ray.core.record import RECORD, read_record
from fsa_ray.core.runner import load
from fsa_ray.core.tables import write_table
from fsa_ray.core.verification import Finding, verify
from fsa_ray.storage.folder import Folder
from tests.unit.core.toy_stages import Toys, pipeline, table


def failed(toys: Toys) -> list[Finding]:
    return [finding for finding in verify(toys.root, pipeline()) if not finding.passed]


def replace(toys: Toys, label: str, kept: pa.Table | None = None, rejected: pa.Table | None = None) -> None:
    """Make the record of `label` say that these rows came out, with right digests."""
    stage = pipeline().stages[label]
    record = read_record(toys.root, stage)
    assert record is not None
    out: Folder = toys.root / stage.folder / "attempts" / "000001"
    old: Rows = load(toys.root, stage)
    new = Rows(
        kept=old.kept if kept is None else write_table(toys.root, out / "kept", kept),
        rejected=old.rejected if rejected is None else write_table(toys.root, out / "rejected", rejected),
    )
    changed = record.model_copy(update={"artifact": new.model_dump(mode="json")})
    (toys.root / stage.folder).put(RECORD, changed.encoded())


KEPT = [f"n{number}" for number in range(4, 10)]
REJECTED = ["n1", "n2", "n3"]


def test_all_is_well(toys: Toys) -> None:
    toys.run(pipeline())
    findings = verify(toys.root, pipeline())
    assert all(finding.passed for finding in findings)
    assert [f.detail for f in findings if f.check == "rows"] == [
        "10 read = 9 out + 1 rejected",
        "9 in = 6 out + 3 rejected",
    ]
    assert load(toys.root, pipeline().stages["drop"]).kept.rows == 6


@pytest.mark.parametrize(
    ("kept", "rejected", "problem"),
    [
        (KEPT[1:], None, "1 ids missing, 0 unknown, 0 not exactly 1 times"),
        (None, REJECTED[1:], "1 ids missing"),
        ([*KEPT, "n4"], None, "occur twice"),
        (KEPT, [*REJECTED, "n4"], "1 not exactly 1 times"),
        (KEPT, [*REJECTED, "n3"], "1 not exactly 1 times"),
        ([*KEPT[1:], "stranger"], None, "1 ids missing, 1 unknown"),
        ([*KEPT[1:], "n5"], None, "occur twice"),
        ([], None, "6 ids missing"),
    ],
)
def test_rows_that_do_not_add_up(toys: Toys, kept: list[str] | None, rejected: list[str] | None, problem: str) -> None:
    toys.run(pipeline())
    replace(toys, "drop", None if kept is None else table(kept), None if rejected is None else table(rejected))
    found = failed(toys)
    assert found and all(finding.label == "drop" for finding in found)
    assert any(problem in finding.detail for finding in found), found


def test_a_reject_that_names_no_parent_is_unknown(toys: Toys) -> None:
    toys.run(pipeline())
    lost = pa.table({"id": pa.array(REJECTED), "parent": pa.array(["n1", "n2", None], pa.string())})
    replace(toys, "drop", rejected=lost)
    assert any("1 ids missing, 1 unknown" in finding.detail for finding in failed(toys))


@pytest.mark.parametrize(
    ("kept", "rejected"),
    [
        ([f"n{n}" for n in range(2, 10)], ["n0"]),
        ([f"n{n}" for n in range(2, 10)], ["n0", "n0"]),
        ([f"n{n}" for n in range(1, 10)], ["n1"]),
    ],
)
def test_a_source_accounts_for_what_it_read(toys: Toys, kept: list[str], rejected: list[str]) -> None:
    toys.run(pipeline(), until="numbers")
    replace(toys, "numbers", table(kept), table(rejected))
    assert any(finding.label == "numbers" for finding in failed(toys) if finding.check != "done")


def test_a_changed_byte_and_a_missing_file(toys: Toys) -> None:
    toys.run(pipeline())
    file = load(toys.root, pipeline().stages["drop"]).kept.files[0]
    data = bytearray(toys.root.get(file.key))
    data[len(data) // 2] ^= 1
    toys.root.put(file.key, bytes(data))
    (found,) = failed(toys)
    assert (found.label, found.detail) == ("drop", f"{file.key} was changed after it was committed")
    toys.root.remove(file.key)
    (found,) = failed(toys)
    assert found.detail == f"{file.key} is missing"


def test_an_unfinished_stage_is_a_failed_check(toys: Toys) -> None:
    toys.run(pipeline(), until="drop")
    (found,) = failed(toys)
    assert (found.label, found.check) == ("ask", "done")


def test_a_root_can_be_moved_and_can_be_elsewhere() -> None:
    toys = Toys(Folder("memory://moved"))
    toys.run(pipeline())
    assert all(finding.passed for finding in verify(toys.root, pipeline()))

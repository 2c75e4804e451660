"""Rounds of asking: which answer of a row counts, and that the pieces in which rows are handled do not show."""

from collections.abc import Callable
from typing import Any

import pytest

from fsa_ray.core.artifact import Rows
from fsa_ray.core.budget import BudgetReached
from fsa_ray.core.pipeline import Pipeline
from fsa_ray.core.placement import Placement
from fsa_ray.core.record import read_record
from fsa_ray.core.runner import Runner, StageFailed, load
from fsa_ray.core.tables import read_table
from fsa_ray.engine import endpoint, run_units
from fsa_ray.engine.endpoint import Endpoint
from fsa_ray.engine.question import Reply
from fsa_ray.engine.units import Counts, UnitFolder
from fsa_ray.stages import ask, rounds, serving
from fsa_ray.stages.ask import Sampling
from fsa_ray.stages.teach import Teach

ROWS = 23
Says = Callable[[int, int], str]


def scripted(says: Says) -> Callable[..., run_units.Outcome]:
    """Stands in for an endpoint, in this process: `says` gets the review's number and the round."""

    def answers(units: UnitFolder, writing: Any, *_: Any) -> run_units.Outcome:
        for unit in units.pending():
            rows = units.read(unit)
            said = [says(int(parent, 16), writing.round) for parent in rows["parent"].to_pylist()]
            counts = Counts(len(rows), len(rows), 10 * len(rows), 2 * len(rows))
            units.commit(unit, writing.answers(rows, [Reply(text, 10, 2, "stop") for text in said]), counts)
        return run_units.Outcome(True, units.counts())

    return answers


def fails_at_first(review: int, round_: int) -> str:
    """Every third answer can be read from the second round on, every seventh never."""
    bad = review % 7 == 0 or (review % 3 == 0 and round_ == 0) or (review % 6 == 0 and round_ == 1)
    return "bananas" if bad else f"negative\nsoup {round_} | food | negative | cold"


@pytest.fixture
def given(workshop: Any, review: Any) -> Any:
    return workshop.given("review", [review(number, f"The soup {number} was cold.") for number in range(1, ROWS + 1)])


def teach(given: Any, **fields: Any) -> Teach:
    return Teach(
        teacher=None, endpoint=Endpoint(model="m", url="http://nowhere", key_variable="NONE"), reviews=given,
        sampling=Sampling(), max_length=512, precision="bf16", kinds=("analysis",), style="compact", **fields,
    )  # fmt: skip


@pytest.fixture
def taught(workshop: Any, given: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Rows, list[Any]]]:
    monkeypatch.setattr(serving, "session", lambda ctx: None)

    def run(says: Says = fails_at_first, unit_rows: int = 64, **fields: Any) -> tuple[Rows, list[Any]]:
        monkeypatch.setattr(endpoint, "ask_endpoint", scripted(says))
        stage = teach(given, **fields)
        placement = Placement(sections={"endpoint": {"unit_rows": unit_rows}})
        Runner(workshop.root, placement, Silent(), lambda engines: None).run(Pipeline("test", {"teach": stage}))
        artifact = load(workshop.root, stage)
        return artifact, [stage, read_table(workshop.root, artifact.kept).to_pylist()]

    return run


def test_a_budget_that_is_spent_starts_no_engine(workshop: Any, given: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def first_unit(units: UnitFolder, writing: Any, *_: Any) -> run_units.Outcome:
        asked.append(len(units.pending()))
        rows = units.read(unit := units.pending()[0])
        units.commit(unit, writing.answers(rows, [Reply("x", 10, 2, "stop")] * len(rows)), Counts(8, 8, 80, 16))
        return run_units.Outcome(False, units.counts())

    monkeypatch.setattr(serving, "session", lambda ctx: None)
    monkeypatch.setattr(endpoint, "ask_endpoint", first_unit)
    placement = Placement(sections={"endpoint": {"unit_rows": 8}, "budget": {"tokens": 90}})
    for _ in range(2):
        with pytest.raises(BudgetReached, match="the budget is spent: 96 tokens"):
            Runner(workshop.root, placement, Silent(), lambda engines: None).run(
                Pipeline("test", {"teach": teach(given)})
            )
    assert asked == [3]


class Silent:
    def begins(self, step: Any) -> None: ...
    def says(self, step: Any, message: str) -> None: ...
    def ends(self, step: Any, record: Any) -> None: ...


def test_the_last_answer_counts_and_every_row_has_one(workshop: Any, taught: Any) -> None:
    _, (stage, rows) = taught()
    numbers = range(1, ROWS + 1)
    assert [int(row["parent"], 16) for row in rows] == list(numbers)
    rounds = [3 if n % 7 == 0 or n % 6 == 0 else 2 if n % 3 == 0 else 1 for n in numbers]
    assert [row["tries"] for row in rows] == rounds
    assert [row["error"] is None for row in rows] == [n % 7 != 0 for n in numbers]
    record = read_record(workshop.root, stage)
    assert record is not None
    assert record.measures["failed"] == ROWS // 7
    assert record.measures["requests"] == sum(rounds)
    assert all(finding.passed for finding in workshop.verify(stage))


def test_the_pieces_do_not_show(taught: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, _ = taught(seed=1)
    for module in (ask, rounds):
        monkeypatch.setattr(module, "ROWS_AT_ONCE", 4)
    pieces, _ = taught(seed=2, unit_rows=3)
    assert [file.sha256 for file in whole.kept.files] == [file.sha256 for file in pieces.kept.files]


def test_only_what_failed_is_asked_anew(workshop: Any, taught: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (ask, rounds):
        monkeypatch.setattr(module, "ROWS_AT_ONCE", 4)
    _, (first, before) = taught(retries=0)
    asked: list[int] = []

    def answers(number: int, round_: int) -> str:
        asked.append(number)
        return "positive\nsoup | food | positive | warm"

    _, (stage, rows) = taught(answers, adopt=first)
    good = [row for row in before if row["error"] is None]
    assert rows[: len(good)] == good
    assert sorted(asked) == sorted(int(row["parent"], 16) for row in before if row["error"] is not None)
    assert len(rows) == ROWS and not any(row["error"] for row in rows)
    record = read_record(workshop.root, stage)
    assert record is not None and record.measures["adopted"] == len(good)


def test_work_that_goes_on_risks_the_rows_of_the_units_that_it_began_with(
    workshop: Any, given: Any, taught: Any
) -> None:
    def dies(review: int, round_: int) -> str:
        raise RuntimeError("dies")

    placement = Placement(sections={"endpoint": {"units_in_flight": 2, "unit_rows": 64}})
    stage = teach(given)
    progress = workshop.root / stage.folder / "progress"
    assert stage.rows_at_risk(placement, progress) == 128
    with pytest.raises(StageFailed):
        taught(dies, unit_rows=1000)
    assert stage.rows_at_risk(placement, progress) == 2000
    larger = Placement(sections={"endpoint": {"units_in_flight": 2, "unit_rows": 3000}})
    assert stage.rows_at_risk(larger, progress) == 6000, "a later round may begin under this placement"


def test_a_limit_on_money_wants_prices(given: Any) -> None:
    budget = {"budget": {"money": 5.0}}
    with pytest.raises(ValueError, match=r"budget.money: 5 .* `prices: .* --placement"):
        teach(given).check_placement(Placement(sections=budget))
    teach(given).check_placement(Placement(sections={**budget, "prices": {"prompt": 1, "output": 2}}))
    teach(given).check_placement(Placement(sections={"budget": {"tokens": 5}}))

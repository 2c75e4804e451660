"""What the teacher costs: pilots, budgets, and failed rows asked again without the good ones."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.end_to_end.conftest import PLACEMENT, SPEC, Cli, document

pytestmark = [pytest.mark.slow, pytest.mark.engine, pytest.mark.timeout(1200)]

PRICED = (*["--placement", "priced.yaml"], *["--set", "teacher.max_tokens=61"])


@pytest.fixture(scope="module")
def priced(house: Path, smoke: Path) -> Path:
    """The shared placement with prices; `smoke` has trained the teacher that these runs reuse."""
    (house / "priced.yaml").write_text(PLACEMENT + "prices: {prompt: 1.0, output: 2.0, currency: EUR}\n")
    return smoke


def stage(cli: Cli, name: str, label: str) -> dict[str, object]:
    return next(one for one in document(cli("show", name, "--json"))["stages"] if one["label"] == label)


def test_a_pilot_shows_answers_and_what_the_whole_would_take(priced: Path, cli: Cli) -> None:
    done = cli("run", str(SPEC), *PRICED, "--limit", "12")
    assert done.returncode == 0, done.stderr[-3000:]
    assert "answers can be used" in done.stdout
    assert "all 160 reviews: about" in " ".join(done.stdout.split())
    assert "EUR" in done.stdout


def test_a_budget_stops_the_run_and_a_raised_one_goes_on(priced: Path, cli: Cli) -> None:
    change = (*PRICED, "--set", "name=frugal", "--until", "parse")
    stopped = cli("run", str(SPEC), *change, "--set", "budget.tokens=4000")
    assert stopped.returncode == 1
    assert "the budget is spent" in stopped.stderr and "EUR" in stopped.stderr
    assert "Traceback" not in stopped.stderr
    teach = stage(cli, "frugal", "teach")
    assert teach["state"] == "failed" and "the budget is spent" in str(teach["what"])
    again = cli("run", str(SPEC), *change, "--set", "budget.tokens=4000")
    assert again.returncode == 1, "a budget that is spent stays spent"
    done = cli("run", str(SPEC), *change, "--set", "budget.money=1000")
    assert done.returncode == 0, done.stderr[-3000:]
    assert "teach goes on" in done.stderr


def test_failed_rows_are_asked_again_and_the_good_ones_stay(priced: Path, cli: Cli) -> None:
    change = (*PRICED, "--set", "name=again", "--set", "teacher.retries=0", "--set", "teacher.max_tokens=24")
    first = cli("run", str(SPEC), *change, "--until", "parse")
    assert first.returncode == 0, first.stderr[-3000:]
    before = responses(priced, cli)
    failed = {id_ for id_, row in before.items() if row["error"] is not None}
    assert failed, "24 tokens are too few for some answers"
    second = cli("run", str(SPEC), *change, "--until", "parse", "--retry-failed", "teach")
    assert second.returncode == 0, second.stderr[-3000:]
    assert "teacher.ask_again: {teach: 1}" in second.stderr
    after = responses(priced, cli)
    assert after.keys() == before.keys()
    assert all(after[id_] == row for id_, row in before.items() if id_ not in failed)
    assert stage(cli, "again", "teach")["measures"]["adopted"] == len(before) - len(failed)
    assert cli("run", str(SPEC), *change, "--retry-failed", "score").returncode == 2


def responses(root: Path, cli: Cli) -> dict[str, dict[str, object]]:
    record = document(cli("show", "again", "teach", "--json"))["record"]
    files = [root / file["key"] for file in record["artifact"]["kept"]["files"]]
    return {row["id"]: row for file in files for row in pq.read_table(file).to_pylist()}

"""Work through Ray Data and a shared engine."""

import time
from pathlib import Path

import pytest
import ray

from fsa_ray.core.beat import Beat
from fsa_ray.engine import run_units
from fsa_ray.engine.application import EngineFailed
from fsa_ray.engine.run_units import Progress, UnitFailed, ask, map_units
from fsa_ray.engine.session import Engine, Session
from fsa_ray.engine.units import Counts, UnitFolder
from fsa_ray.stages.serving import Pulse
from fsa_ray.storage.folder import Folder
from tests.ray.echo import Broken, Echo, double, ids, source

pytestmark = pytest.mark.engine
ONE = {"CPU": 1.0}


def open_units(path: Path, rows: int, unit_rows: int = 10) -> UnitFolder:
    root = Folder(str(path))
    return UnitFolder.open(root, root / "work", source(root, rows), unit_rows)


def test_a_beat_counts_what_earlier_rounds_took() -> None:
    beats: list[Beat] = []
    now = Counts(rows=10, prompts=20, prompt_tokens=50, output_tokens=7, failed=2)
    before = Counts(rows=90, prompts=90, prompt_tokens=500, output_tokens=70, failed=20)
    Pulse(beats.append, before, every=0.0)(Progress(10, 40, 2.5, now))
    Pulse(beats.append, before)(Progress(10, 40, 2.5, now))  # too early
    told = Beat(noun="rows", done=10, total=40, per_second=2.5, tokens_read=550, tokens_written=77, failed=22)
    assert beats == [told]
    assert str(told) == "10/40 rows, 2.5 rows/s, 12 s left"


def test_every_row_is_asked_once(tmp_path: Path, engine: Engine, ray_session: Session) -> None:
    units, seen, starts = open_units(tmp_path, 100), list[Progress](), ray_session.engine_starts
    outcome = ask(units, Echo(), engine, seen.append)
    assert outcome.finished
    assert ids(units) == list(range(100))
    assert outcome.counts.rows == 100
    assert outcome.counts.prompts == 200
    assert outcome.counts.output_tokens == 800
    assert [progress.done_rows for progress in seen] == list(range(10, 101, 10))
    assert ray_session.engine(engine.settings, engine.placement) == engine
    assert ray_session.engine_starts == starts


def test_a_refused_prompt_is_a_row_with_an_error(tmp_path: Path, engine: Engine) -> None:
    units = open_units(tmp_path, 9)
    outcome = ask(units, Echo(stretch=30), engine)  # the engine holds 128 tokens
    rows = [row for table in units.results() for row in table.to_pylist()]
    assert [row["error"] is None for row in rows] == [1 + 30 * length < 128 for length in range(9)]
    assert outcome.counts.failed == 4
    assert "128" in rows[5]["error"]


def test_label_log_probabilities_are_over_the_whole_vocabulary(tmp_path: Path, engine: Engine) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    labels = [40, 7, 200]
    units = open_units(tmp_path, 9)
    ask(units, Echo({"temperature": 0.0, "logprob_token_ids": labels}), engine)
    model = AutoModelForCausalLM.from_pretrained(engine.settings.model, dtype=torch.float32)
    rows = [row for table in units.results() for row in table.to_pylist()]
    for row, prompt in zip(rows, ([5] * (1 + i % 9) for i in range(9)), strict=True):
        with torch.no_grad():
            expected = model(torch.tensor([prompt])).logits[0, -1].log_softmax(-1)[labels]
        assert row["labels"] == pytest.approx(expected.tolist(), abs=1e-3)


def test_a_budget_stops_cleanly_and_goes_on(tmp_path: Path, engine: Engine) -> None:
    units = open_units(tmp_path, 200)
    first = ask(units, Echo(), engine, should_stop=lambda counts: counts.output_tokens >= 200)
    assert not first.finished
    assert 200 <= first.counts.output_tokens < 1600
    kept = {name: units.folder.get(name) for name in units.finished()}
    second = ask(units, Echo(), engine)
    assert second.finished
    assert second.counts.output_tokens == 1600
    assert ids(units) == list(range(200))
    assert all(units.folder.get(name) == data for name, data in kept.items())


def test_a_mapping_runs_over_units(tmp_path: Path, ray_session: Session) -> None:
    units = open_units(tmp_path, 55)
    assert map_units(units, double, workers=2, need=ONE, start_timeout_s=60).finished
    assert ids(units) == list(range(55))


def test_workers_that_do_not_start_in_time_are_an_error(tmp_path: Path, ray_session: Session) -> None:
    units, all_of_them = open_units(tmp_path, 10), {"CPU": ray.cluster_resources()["CPU"]}
    holder = ray.remote(num_cpus=1)(Holder).remote()
    ray.get(holder.__ray_ready__.remote())
    began = time.monotonic()
    with pytest.raises(EngineFailed, match=r"1 workers of .* did not start within 2 s \(start_timeout_s\)"):
        map_units(units, double, workers=1, need=all_of_them, start_timeout_s=2)
    assert time.monotonic() - began < 30
    ray.kill(holder)


class Holder:
    """Holds what its actor reserves."""


def test_units_beyond_one_execution_run_in_the_next(
    tmp_path: Path, ray_session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_units, "UNITS_AT_ONCE", 2)
    units = open_units(tmp_path, 75)
    first = map_units(
        units, double, workers=1, need=ONE, start_timeout_s=60, should_stop=lambda counts: counts.rows >= 30
    )
    assert not first.finished and len(units.pending()) >= 3, "a stop ends the executions that are still to come"
    assert map_units(units, double, workers=1, need=ONE, start_timeout_s=60).finished
    assert ids(units) == list(range(75))


def test_broken_work_stops_with_its_cause(tmp_path: Path, engine: Engine) -> None:
    units = open_units(tmp_path, 100)
    with pytest.raises(UnitFailed, match=r"rows \d+-\d+ of .*KeyError: .*nothing.*echo.py"):
        ask(units, Broken(), engine)
    assert len(units.pending()) == 10

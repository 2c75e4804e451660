"""Looking on while a run goes on: toy stages in a driver beside us, and all that is known comes from the root."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from fsa_ray.cli import app, follow
from fsa_ray.cli.exits import Exit
from fsa_ray.core.beat import Beat
from fsa_ray.core.pipeline import RunIndex
from fsa_ray.core.runner import StageFailed
from fsa_ray.core.stage import StageContext
from fsa_ray.storage import claim
from fsa_ray.storage.claim import Claim, Entry, Holder
from fsa_ray.storage.folder import Folder
from tests.unit.core.toy_stages import RAN, TROUBLE, Toys, pipeline

HALF = Beat(noun="rows", done=4, total=9, per_second=2.5, tokens_written=80)


@pytest.fixture
def toys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Toys]:
    """A root whose run `toy` is about to begin."""
    monkeypatch.setattr(claim, "BEAT_SECONDS", 0.02)
    monkeypatch.setattr(follow, "EVERY_SECONDS", 0.02)
    RAN.clear()
    TROUBLE.clear()
    toys = Toys(Folder(str(tmp_path)))
    RunIndex.write(toys.root, pipeline(), {})
    yield toys
    TROUBLE.clear()


class Halt:
    """Holds `drop` where it has told that four of its nine rows are done."""

    def __init__(self) -> None:
        self.reached, self.go = threading.Event(), threading.Event()

    def __call__(self, ctx: StageContext) -> None:
        ctx.tell("reads numbers")
        ctx.tell(HALF)
        self.reached.set()
        assert self.go.wait(60)


@contextmanager
def driven(toys: Toys) -> Iterator["Future[Any]"]:
    with ThreadPoolExecutor(1) as driver:
        yield driver.submit(toys.run, pipeline())


def fails(ctx: StageContext) -> None:
    ctx.tell(HALF)
    raise RuntimeError("out of luck\nand more")


def states(follower: follow.Follower) -> dict[str, str]:
    return {each.label: each.state for each in follower.standings}


def until(follower: follow.Follower, found: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not found():
        assert time.monotonic() < deadline, follower.standings
        time.sleep(0.02)
        follower.look()


def test_a_stage_is_seen_while_it_runs(toys: Toys) -> None:
    TROUBLE["drop"] = halt = Halt()
    follower = follow.Follower(toys.root, "toy")
    assert states(follower) == {"numbers": "waiting", "drop": "waiting", "ask": "waiting"}
    with driven(toys) as driver:
        assert halt.reached.wait(30)
        until(follower, lambda: follower.standings[1].beat is not None)
        numbers, drop, ask = follower.standings
        assert (numbers.state, drop.state, ask.state) == ("done", "running", "waiting")
        assert drop.beat == HALF
        assert drop.what == f"by {claim.Holder.me()}: 4/9 rows, 2.5 rows/s, 2 s left"
        assert follow.cells(drop) == ("drop", "running", "4/9 rows", "2.5 rows/s", "2 s", "")
        assert follow.cells(numbers)[:3] == ("numbers", "done", "9 rows")
        assert follower.ended() is None
        halt.go.set()
        driver.result(30)
    follower.look()
    assert follower.ended() is Exit.DONE
    assert toys.listener.told[3:5] == ["drop: reads numbers", "drop: 4/9 rows, 2.5 rows/s, 2 s left"]


@pytest.mark.parametrize("json_", [False, True])
def test_a_change_is_a_line(
    toys: Toys, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, json_: bool
) -> None:
    TROUBLE["drop"] = halt = Halt()
    look = follow.Follower.look

    def look_on(self: follow.Follower) -> None:
        """The driver goes on when we have shown how far it is."""
        if any(each.beat is not None for each in getattr(self, "standings", [])):
            halt.go.set()
        look(self)

    monkeypatch.setattr(follow.Follower, "look", look_on)
    with driven(toys) as driver:
        assert halt.reached.wait(30)
        code = follow.follow(toys.root, "toy", json_=json_)
        driver.result(30)
    lines = capsys.readouterr().out.splitlines()
    assert code is Exit.DONE
    assert len(set(lines)) == len(lines), lines
    if json_:
        documents = [json.loads(line)["stages"] for line in lines]
        assert {"done": 4, "total": 9, "per_second": 2.5}.items() <= next(
            drop["beat"].items() for _, drop, _ in documents if drop["beat"] is not None
        )
        assert [stage["state"] for stage in documents[-1]] == ["done"] * 3
        assert "tokens_written" not in documents[-1][0]["measures"]
    else:
        assert lines[0].startswith("numbers  done  9 rows  ")
        assert "drop  running  4/9 rows  2.5 rows/s  2 s" in lines
        assert lines[-1].startswith("ask  done")


def test_a_failed_stage_ends_it_and_says_why(toys: Toys, capsys: pytest.CaptureFixture[str]) -> None:
    TROUBLE["drop"] = fails
    with pytest.raises(StageFailed):
        toys.run(pipeline())
    assert follow.follow(toys.root, "toy", json_=False) is Exit.FAILED
    said = capsys.readouterr()
    assert said.out.splitlines()[-1].startswith("drop  failed  ")
    assert said.out.endswith("stage 'drop' failed: RuntimeError: out of luck\n")
    assert said.err == "stage 'drop' failed: RuntimeError: out of luck\nand more\n"


def test_the_failure_of_an_earlier_driver_is_no_end(toys: Toys) -> None:
    TROUBLE["drop"] = fails
    with pytest.raises(StageFailed):
        toys.run(pipeline())
    follower = follow.Follower(toys.root, "toy")
    assert follower.ended() is Exit.FAILED
    TROUBLE.clear()
    RunIndex.write(toys.root, pipeline(), {})  # a driver begins
    follower.look()
    assert states(follower)["drop"] == "failed"
    assert follower.ended() is None
    toys.run(pipeline())
    follower.look()
    assert follower.ended() is Exit.DONE


def test_an_interrupted_driver_ends_it(toys: Toys, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(ctx: StageContext) -> None:
        raise KeyboardInterrupt

    TROUBLE["drop"] = interrupted
    with pytest.raises(KeyboardInterrupt):
        toys.run(pipeline())
    follower = follow.Follower(toys.root, "toy")
    assert states(follower)["drop"] == "interrupted"
    assert follow.follow(toys.root, "toy", json_=True) is Exit.FAILED
    assert capsys.readouterr().err == "nobody works on run toy any more; it is not done\n"


def test_a_driver_elsewhere_that_gives_no_sign_of_life_is_gone(toys: Toys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "LEASE_SECONDS", 0.3)
    claims = toys.root / pipeline().stages["numbers"].folder / "claims"
    Entry(Holder("elsewhere", 1, 1.0, "theirs")).write(claims, 1)
    follower = follow.Follower(toys.root, "toy")
    for beat in range(4):
        claims.put("000001.beat", json.dumps({"said": str(beat)}).encode())
        follower.look()
        assert follower.standings[0].what == f"by process 1 on elsewhere: {beat}"
        assert follower.ended() is None
        time.sleep(0.2)
    until(follower, lambda: states(follower)["numbers"] == "interrupted")
    assert follower.ended() is Exit.FAILED


def test_a_run_that_nobody_works_on_ends_after_a_while(toys: Toys, monkeypatch: pytest.MonkeyPatch) -> None:
    toys.run(pipeline(), until="drop")
    follower = follow.Follower(toys.root, "toy")
    assert follower.ended() is None
    monkeypatch.setattr(follow, "IDLE_SECONDS", 0.1)
    time.sleep(0.2)
    assert follower.ended() is Exit.FAILED


def test_the_table_fits_on_the_screen(toys: Toys) -> None:
    toys.run(pipeline(), until="numbers")
    standings = follow.Follower(toys.root, "toy").standings
    screen = Console(file=StringIO(), width=70, height=20)
    screen.print(follow.follow_table("toy", [standings[0]] * 40 + [standings[1]] * 60, screen))
    text = screen.file.getvalue()  # type: ignore[attr-defined]
    assert len(text.splitlines()) <= 20
    for expected in ("stages before", "stages after", "numbers", "done", "drop", "waiting", "so far"):
        assert expected in text


def test_mistakes(toys: Toys) -> None:
    for arguments, said in (
        (["other"], "no run is called 'other' here; there are: toy"),
        ([], "say which run; there are: toy"),
        (["toy", "drop"], "leave out 'drop'"),
    ):
        done = CliRunner().invoke(app, ["show", *arguments, "--follow", "--root", toys.root.url])
        assert done.exit_code == 2 and said in done.stderr, done.output


def test_ctrl_c(toys: Toys) -> None:
    command = [sys.executable, "-m", "fsa_ray.cli", "show", "toy", "--follow", "--root", toys.root.url]
    with Claim.take(toys.root / pipeline().stages["numbers"].folder):
        looking = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert looking.stdout is not None
        assert looking.stdout.readline() == f"numbers  running  by process {os.getpid()} on {os.uname().nodename}\n"
        looking.send_signal(signal.SIGINT)
        _, said = looking.communicate(timeout=30)
    assert looking.returncode == 130
    assert "interrupted" in said

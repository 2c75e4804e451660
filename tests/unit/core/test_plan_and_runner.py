"""What a run does: reuse, resume, refuse, and let engines go."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fsa_ray.core.pipeline import Pipeline, RunIndex
from fsa_ray.core.placement import Placement
from fsa_ray.core.plan import plan
from fsa_ray.core.record import read_record
from fsa_ray.core.runner import StageFailed
from fsa_ray.core.stage import StageContext
from fsa_ray.core.verification import verify
from fsa_ray.storage.claim import Claim, ClaimHeld, ClaimLost, Entry, Holder
from tests.unit.core.toy_stages import TROUBLE, Ask, Drop, Join, Numbers, Toys, pipeline


def fails(ctx: StageContext) -> None:
    raise RuntimeError("out of luck")


def test_a_second_run_reuses_everything(toys: Toys) -> None:
    assert [step.action for step in plan(toys.root, pipeline())] == ["run", "run", "run"]
    steps = toys.run(pipeline())
    assert [step.action for step in steps] == ["reuse"] * 3
    assert toys.ran() == ["numbers", "drop", "ask:e1:why?"]
    toys.run(pipeline())
    assert toys.ran() == []
    assert toys.listener.told[-3:] == ["ends numbers", "ends drop", "ends ask"]


def test_a_change_runs_what_is_below_it_and_says_why(toys: Toys) -> None:
    toys.run(pipeline())
    steps = {step.label: step for step in plan(toys.root, pipeline(question="how?"))}
    assert steps["drop"].reason == "its record is there"
    assert steps["ask"].reason == "changed: question 'why?' -> 'how?'"
    steps = {step.label: step for step in plan(toys.root, pipeline(size=12))}
    assert steps["numbers"].reason == "changed: size 10 -> 12"
    assert steps["drop"].reason == "changed: numbers"
    rate = {step.label: step for step in plan(toys.root, Pipeline("toy", {"numbers": Numbers(rate=0.25)}))}
    assert rate["numbers"].reason == "changed: rate 1 -> 0.25"
    assert plan(toys.root, Pipeline("other", {"ask": Ask(drop=Drop(numbers=Numbers(size=9)))}))[0].reason == (
        "it has not run yet"
    )


def test_until_stops_and_an_unknown_label_is_refused(toys: Toys) -> None:
    assert [step.label for step in toys.run(pipeline(), until="drop")] == ["numbers", "drop"]
    with pytest.raises(ValueError, match="no stage is called 'drip' here; did you mean 'drop'"):
        toys.run(pipeline(), until="drip")


def test_a_stage_that_cannot_run_where_it_is_placed_stops_the_run_before_it_begins(toys: Toys) -> None:
    nowhere = Placement(sections={"nowhere": {}})
    with pytest.raises(ValueError, match="ask: there is no such place"):
        toys.run(pipeline(), placement=nowhere)
    assert toys.ran() == []
    toys.run(pipeline(), until="drop", placement=nowhere)
    toys.run(pipeline())
    toys.run(pipeline(), placement=nowhere)


def test_a_failing_stage_keeps_its_progress_and_goes_on(toys: Toys) -> None:
    TROUBLE["drop"] = fails
    with pytest.raises(StageFailed, match="stage 'drop' failed: RuntimeError: out of luck") as caught:
        toys.run(pipeline())
    assert isinstance(caught.value.__cause__, RuntimeError)
    drop = pipeline().stages["drop"]
    assert (toys.root / drop.folder / "progress").get("half.txt") == b"done so far"
    step = plan(toys.root, pipeline())[1]
    assert (step.action, step.reason) == ("continue", "an attempt was interrupted")
    TROUBLE.clear()
    toys.ran()
    toys.run(pipeline())
    assert toys.ran() == ["drop", "ask:e1:why?"]
    record = read_record(toys.root, drop)
    assert record is not None and record.provenance.attempt == 2


def test_scratch_is_removed_and_a_mistake_of_the_user_stays_a_value_error(toys: Toys) -> None:
    scratch: list[Path] = []

    def mistaken(ctx: StageContext) -> None:
        (ctx.scratch / "big").write_bytes(b"x")
        scratch.append(ctx.scratch)
        raise ValueError("no such model")

    TROUBLE["drop"] = mistaken
    with pytest.raises(ValueError, match="no such model"):
        toys.run(pipeline())
    assert not scratch[0].exists()


def test_a_costly_result_is_not_paid_for_twice(toys: Toys) -> None:
    toys.run(pipeline())
    toys.ran()
    with pytest.raises(ValueError, match=r"ask: changed: question .*(?s:.*)add --allow ask"):
        toys.run(pipeline(question="how?"))
    assert toys.ran() == []
    toys.run(pipeline(question="how?"), allow=frozenset({"ask"}))
    assert toys.ran() == ["ask:e1:how?"]
    toys.run(pipeline())  # the first result is still there
    assert toys.ran() == []


def test_stopping_before_a_costly_stage_is_no_way_around_the_leave(toys: Toys) -> None:
    toys.run(pipeline())
    toys.run(pipeline(question="how?"), until="drop")
    toys.run(pipeline(size=12), until="numbers")
    index = RunIndex.read(toys.root, "toy")
    assert index is not None
    assert index.stages == {
        "numbers": pipeline(size=12).stages["numbers"].folder,
        "drop": pipeline(size=12).stages["drop"].folder,
        "ask": pipeline().stages["ask"].folder,
    }
    for changed in (pipeline(question="how?"), pipeline(size=12)):
        with pytest.raises(ValueError, match="paid for once"):
            toys.run(changed)
    toys.run(pipeline(size=12), allow=frozenset({"ask"}))
    index = RunIndex.read(toys.root, "toy")
    assert index is not None and index.stages["ask"] == pipeline(size=12).stages["ask"].folder


def test_stopping_before_a_costly_stage_leaves_its_last_result_named(toys: Toys) -> None:
    toys.run(pipeline())
    last = pipeline(question="how?")
    toys.run(last, allow=frozenset({"ask"}))
    toys.run(pipeline(), until="drop")  # whose own answers are there as well
    index = RunIndex.read(toys.root, "toy")
    assert index is not None and index.stages["ask"] == last.stages["ask"].folder


def test_an_allowed_change_that_was_interrupted_goes_on_without_leave(toys: Toys) -> None:
    toys.run(pipeline())

    def dies(ctx: StageContext) -> None:
        ctx.progress.put("asked", b"1")
        raise RuntimeError("dies")

    TROUBLE["ask"] = dies
    with pytest.raises(StageFailed):
        toys.run(pipeline(question="how?"), allow=frozenset({"ask"}))
    TROUBLE.clear()
    assert [step.action for step in toys.run(pipeline(question="how?"))] == ["reuse"] * 3


def engines_pipeline() -> Pipeline:
    drop = Drop(numbers=Numbers())
    asks = [Ask(drop=drop, engine=engine, question=q) for q in ("1", "2") for engine in ("e1", "e2")]
    return Pipeline("engines", {"join": Join(asked=tuple(asks))})


def test_stages_of_one_engine_stand_together_and_it_is_released_after_the_last(toys: Toys) -> None:
    toys.run(engines_pipeline())
    assert toys.ran() == ["numbers", "drop", "ask:e1:1", "ask:e1:2", "ask:e2:1", "ask:e2:2", "join"]
    assert [(after, set(engines)) for after, engines in toys.released if engines] == [
        ("ask:e1:2", {"e1"}),
        ("ask:e2:2", {"e2"}),
    ]


def test_an_engine_is_not_kept_for_stages_that_are_done(toys: Toys) -> None:
    toys.run(engines_pipeline())
    toys.released.clear()
    last = engines_pipeline().stages["ask-3"]
    asks = [label for label in engines_pipeline().stages if label.startswith("ask")]
    assert len(asks) == 4
    toys.root.remove(f"{engines_pipeline().stages['ask'].folder}/record.json")
    toys.run(engines_pipeline())
    assert [engines for _, engines in toys.released if engines] == [frozenset({"e1"})]
    assert read_record(toys.root, last) is not None


def test_shared_inputs_are_walked_once() -> None:
    stage = Ask(drop=Drop(numbers=Numbers()))
    wide = Join(asked=(stage,) * 50)
    assert list(Pipeline("p", {"join": wide}).stages) == ["join", "numbers", "drop", "ask"]
    assert [label for label, _ in Pipeline("p", {"join": wide}).order()] == ["numbers", "drop", "ask", "join"]


def test_somebody_else_at_work_stops_the_run(toys: Toys) -> None:
    folder = pipeline().stages["drop"].folder
    with Claim.take(toys.root / folder), pytest.raises(ClaimHeld, match=f"process {os.getpid()} on"):
        toys.run(pipeline())
    toys.run(pipeline())


def test_a_driver_that_lost_its_claim_commits_nothing(toys: Toys) -> None:
    stage = pipeline().stages["drop"]

    def overtaken(ctx: StageContext) -> None:
        Entry(Holder("elsewhere", 1, 1.0, "theirs")).write(toys.root / stage.folder / "claims", 2)

    TROUBLE["drop"] = overtaken
    with pytest.raises(ClaimLost, match="process 1 on elsewhere"):
        toys.run(pipeline())
    assert not (toys.root / stage.folder).exists("record.json")


def test_a_driver_that_lost_its_claim_stops_in_the_middle(toys: Toys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fsa_ray.storage.claim.BEAT_SECONDS", 0.1)
    stage = pipeline().stages["drop"]

    def overtaken(ctx: StageContext) -> None:
        Entry(Holder("elsewhere", 1, 1.0, "theirs")).write(toys.root / stage.folder / "claims", 2)
        time.sleep(20)

    TROUBLE["drop"] = overtaken
    started = time.monotonic()
    with pytest.raises(ClaimLost):
        toys.run(pipeline())
    assert time.monotonic() - started < 10


DRIVER = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
from tests.unit.core.toy_stages import TROUBLE, Toys, pipeline
from fsa_ray.storage.folder import Folder
import fsa_ray.storage.claim as claim
moment = sys.argv[3]
die = lambda *args: os.kill(os.getpid(), signal.SIGKILL)
if moment == "run": TROUBLE["drop"] = die
if moment == "before seal": claim.Claim.commit = die
if moment == "after seal": claim.Entry.finish = die
if moment == "before release": claim.Claim.__exit__ = die
Toys(Folder(sys.argv[2])).run(pipeline())
"""


@pytest.mark.parametrize("moment", ["run", "before seal", "after seal", "before release"])
def test_a_driver_killed_at_any_moment_is_continued(toys: Toys, moment: str) -> None:
    here = str(Path(__file__).parent)
    died = subprocess.run([sys.executable, "-c", DRIVER, here, toys.root.url, moment], check=False)
    assert died.returncode == -9
    toys.run(pipeline())
    again = {"run": ["drop"], "before seal": ["numbers", "drop"], "after seal": ["drop"], "before release": ["drop"]}
    assert toys.ran() == [*again[moment], "ask:e1:why?"]
    assert all(finding.passed for finding in verify(toys.root, pipeline()))


def test_a_driver_that_finds_another_at_work_leaves_the_index_as_it_is(toys: Toys) -> None:
    toys.run(pipeline(), until="numbers")
    index = RunIndex.read(toys.root, "toy")
    with Claim.take(toys.root / pipeline(size=5).stages["numbers"].folder), pytest.raises(ClaimHeld):
        toys.run(pipeline(size=5))
    assert RunIndex.read(toys.root, "toy") == index
    TROUBLE["drop"] = fails
    with pytest.raises(StageFailed):
        toys.run(pipeline(size=5))
    index = RunIndex.read(toys.root, "toy")
    assert index is not None and index.stages["drop"] == pipeline(size=5).stages["drop"].folder
    toys.run(pipeline(), until="numbers")  # with nothing left to do
    index = RunIndex.read(toys.root, "toy")
    assert index is not None and index.stages["drop"] == pipeline().stages["drop"].folder


def test_the_index_of_a_run(toys: Toys) -> None:
    toys.run(pipeline())
    index = RunIndex.read(toys.root, "toy")
    assert index is not None
    assert list(index.stages) == ["numbers", "drop", "ask"]
    assert RunIndex.names(toys.root) == ["toy"]
    assert RunIndex.read(toys.root, "absent") is None

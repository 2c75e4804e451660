"""Asking failed rows again: what it asks, what it needs leave for, and where it goes on."""

from pathlib import Path

import pytest

from fsa_ray.cli.pilot import pilot_of
from fsa_ray.cli.retry import asking_again
from fsa_ray.core.extrapolation import extrapolated
from fsa_ray.core.pipeline import RunIndex
from fsa_ray.core.plan import Step, plan
from fsa_ray.core.runner import refuse_second_payment
from fsa_ray.recipes.table import Plan, load_pipeline
from fsa_ray.stages.ask import Ask
from fsa_ray.storage.folder import Folder
from tests.unit.finished import finish

JOBS = Path(__file__).parents[3] / "jobs"


def run_to_its_end(root: Folder, planned: Plan, failed: int = 3) -> None:
    begin(root, planned)
    for stage in planned.pipeline.stages.values():
        finish(root, stage, {"rows": 10, "failed": failed})


def begin(root: Folder, planned: Plan) -> None:
    RunIndex.write(root, planned.pipeline, planned.spec.model_dump(mode="json", exclude_none=True))


def refused(steps: list[Step], allow: frozenset[str]) -> set[str]:
    try:
        refuse_second_payment(steps, allow)
    except ValueError as error:
        words = str(error).split()
        return {words[n + 1] for n, word in enumerate(words) if word == "--allow"}
    return set()


@pytest.mark.parametrize(
    ("recipe", "label", "trained"),
    [
        ("demo", "teach", {"gold-student", "student"}),  # whose tokens are learned from the answers, too
        ("demo", "teach-rewriting", {"gold-student", "student"}),
        ("fsa", "teach", {"pretrained", "student"}),
        ("compeffdist", "teach", {"student"}),
        ("targeted", "align", {"knowledge", "student"}),
        ("joint", "respond", {"knowledge", "student"}),
        # What the alignment phase asks is made of the analyses, so that all of it would be asked and paid for again.
        ("targeted", "teach", {"align", "knowledge", "student"}),
    ],
)
def test_only_what_is_learned_from_the_answers_needs_leave(
    tmp_path: Path, recipe: str, label: str, trained: set[str]
) -> None:
    root, planned = Folder(str(tmp_path)), load_pipeline(JOBS / f"{recipe}.yaml", [])
    run_to_its_end(root, planned)
    again, allow = asking_again(root, planned, label)
    assert allow == {label}
    assert refused(plan(root, again.pipeline), allow) == trained
    asked = again.pipeline.stages[label].inputs()["adopt"]
    assert asked.fingerprint == planned.pipeline.stages[label].fingerprint


def test_another_attempt_follows_the_last_one_and_an_interrupted_one_goes_on(tmp_path: Path) -> None:
    root, planned = Folder(str(tmp_path)), load_pipeline(JOBS / "demo.yaml", [])
    run_to_its_end(root, planned)
    first, _ = asking_again(root, planned, "teach")
    run_to_its_end(root, first)
    second, allow = asking_again(root, planned, "teach")
    assert second.spec.teacher.rounds("teach") == 2 and second.spec.teacher.rounds("teach-rewriting") == 0
    assert allow == {"teach"}
    begin(root, second)
    student = second.pipeline.stages["student"]
    (root / student.folder).put("claim", b"")  # killed in the training that follows
    on, _ = asking_again(root, planned, "teach")
    assert on.pipeline.stages["student"].fingerprint == student.fingerprint


def test_a_number_in_the_spec_is_of_all_stages(tmp_path: Path) -> None:
    root, planned = Folder(str(tmp_path)), load_pipeline(JOBS / "demo.yaml", ["teacher.ask_again=1"])
    again, _ = asking_again(root, planned, "teach")
    assert again.spec.teacher.ask_again == {"teach": 2, "teach-rewriting": 1}


def test_where_nothing_can_be_asked_again(tmp_path: Path) -> None:
    root, planned = Folder(str(tmp_path)), load_pipeline(JOBS / "demo.yaml", [])
    for label in ("score", "align"):
        with pytest.raises(ValueError, match=f"--retry-failed {label}: .*there are: teach, teach-rewriting"):
            asking_again(root, planned, label)
    with pytest.raises(ValueError, match="did you mean 'teach'"):
        asking_again(root, planned, "teech")
    run_to_its_end(root, planned, failed=0)
    with pytest.raises(ValueError, match="each of its rows has an answer"):
        asking_again(root, planned, "teach")


def test_what_was_asked_again_already_is_reused_and_that_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root, planned = Folder(str(tmp_path)), load_pipeline(JOBS / "demo.yaml", [])
    run_to_its_end(root, planned)
    first, _ = asking_again(root, planned, "teach")
    run_to_its_end(root, first)
    assert "reused" not in capsys.readouterr().err
    begin(root, planned)  # as the spec says, which knows nothing of the answers asked for again
    again, _ = asking_again(root, planned, "teach")
    assert again.pipeline.stages["teach"].fingerprint == first.pipeline.stages["teach"].fingerprint
    assert "teach: its failed rows were asked again before, and that is reused" in " ".join(
        capsys.readouterr().err.split()
    )
    begin(root, again)
    second, _ = asking_again(root, planned, "teach")
    assert second.spec.teacher.rounds("teach") == 2
    assert "reused" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("recipe", "label"), [("demo", "teach"), ("compeffdist", "teach"), ("targeted", "align"), ("joint", "respond")]
)
def test_a_pilot_stays_one_and_tells_of_the_whole(tmp_path: Path, recipe: str, label: str) -> None:
    root, planned = Folder(str(tmp_path)), load_pipeline(JOBS / f"{recipe}.yaml", [], limit=20)
    run_to_its_end(root, planned)
    again, _ = asking_again(root, planned, label, limit=20)
    assert again.spec.name == planned.spec.name and again.spec.corpus.limit == 20
    pilot = pilot_of(again.pipeline)
    for stage in pilot.stages.values():
        asked = {"requests": 10, "prompt_tokens": 100, "output_tokens": 10} if isinstance(stage, Ask) else {}
        finish(root, stage, {"rows": 10, "failed": 3, **asked})
    assert again.whole is not None and planned.whole is not None
    found = extrapolated(root, pilot, again.whole.pipeline, {"ingest": 1000})
    assert {label, pilot.label(pilot.stages[label].inputs()["adopt"])} <= {one.label for one in found}
    assert all(one.factor for one in found)
    assert len(extrapolated(root, pilot, planned.whole.pipeline, {"ingest": 1000})) == len(found)

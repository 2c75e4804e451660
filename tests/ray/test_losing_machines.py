"""Training that loses one of its machines, in a cluster of several raylets on this one."""

import hashlib
import json
import os
import subprocess
import sys

import pytest

from fsa_ray.storage.folder import Folder
from fsa_ray.training.attempts import Note
from tests.ray import losing_driver
from tests.ray.losing_driver import EVERY, STEPS
from tests.ray.test_train import lines

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    return Folder(str(tmp_path_factory.mktemp("root")))


@pytest.fixture(scope="module")
def undisturbed(root: Folder) -> list[dict]:
    trained(root, "none")
    return lines(root, "none")


def trained(root: Folder, fault: str) -> dict:
    """What comes out of a run that is named for its fault."""
    ray = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "0123456789abcdef", "RAY_raylet_start_wait_time_s": "180"}
    command = [sys.executable, "-m", losing_driver.__name__, root.path, fault, fault]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, env={**os.environ, **ray}, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def groups(root: Folder, name: str) -> list[Note]:
    """Of each group the note that got furthest, in their order: the first worker may be the one that died."""
    folder = root / name / "progress/attempts"
    furthest: dict[str, Note] = {}
    for file in folder.names():
        note = Note.model_validate_json(folder.get(file))
        furthest[note.attempt] = max(note, furthest.get(note.attempt, note), key=lambda one: one.reached)
    return sorted(furthest.values(), key=lambda note: note.began)


def refuse_other_results(root: Folder, name: str, undisturbed: list[dict]) -> None:
    exact = ("step", "lr", "answer_tokens", "tokens")
    found = lines(root, name)
    assert [[line[key] for key in exact] for line in found] == [[line[key] for key in exact] for line in undisturbed]
    assert max(abs(a["loss"] - b["loss"]) for a, b in zip(found, undisturbed, strict=True)) < 1e-3


def test_a_drained_machine_costs_no_step(root: Folder, undisturbed: list[dict]) -> None:
    outcome = trained(root, "drain")
    before, after = groups(root, "drain")
    assert (before.workers, before.drained, after.workers) == (2, True, 1)
    assert EVERY <= before.reached == after.began == outcome["resumed_at"] < STEPS
    assert (outcome["steps_redone"], outcome["restarts"], outcome["preemptions"]) == (0, 1, 1)
    refuse_other_results(root, "drain", undisturbed)


def test_a_machine_that_vanishes_costs_the_steps_since_the_last_checkpoint(
    root: Folder, undisturbed: list[dict]
) -> None:
    outcome = trained(root, "kill")
    before, after = groups(root, "kill")
    assert (before.workers, before.drained, after.workers) == (2, False, 1)
    assert after.began % EVERY == 0 and after.began == outcome["resumed_at"]
    assert outcome["steps_redone"] == before.reached - after.began < EVERY
    assert (outcome["restarts"], outcome["preemptions"]) == (1, 0)
    refuse_other_results(root, "kill", undisturbed)


def test_a_machine_that_is_replaced_leaves_no_trace_in_the_weights(root: Folder, undisturbed: list[dict]) -> None:
    outcome = trained(root, "replace")
    before, after = groups(root, "replace")
    assert (before.workers, before.drained, after.workers) == (2, False, 2)
    assert after.began == outcome["resumed_at"] > 0 and outcome["restarts"] == 1
    refuse_other_results(root, "replace", undisturbed)
    assert [line["loss"] for line in lines(root, "replace")] == [line["loss"] for line in undisturbed]
    assert weights_of(root, "replace") == weights_of(root, "none")


def weights_of(root: Folder, name: str) -> str:
    """The digest of what comes out, in fp32."""
    return hashlib.sha256(root.get(f"{name}/out/model.safetensors")).hexdigest()

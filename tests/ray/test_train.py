"""Training through Ray Train and DeepSpeed, with real workers."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from fsa_ray.engine.session import Session
from fsa_ray.engine.train import TrainingFailed, TrainPlacement
from fsa_ray.storage.folder import Folder
from fsa_ray.training.run import TrainOutcome, train
from tests.ray.train_driver import TWO_WORKERS, job, newest_step

STEPS = 32
"""Not a multiple of the steps between two checkpoints: the last one is stored all the same."""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    return Folder(str(tmp_path_factory.mktemp("root")))


@pytest.fixture(scope="module")
def trained(ray_session: Session, root: Folder) -> TrainOutcome:
    return train(job(root, "plain", max_steps=STEPS), TWO_WORKERS)


def lines(root: Folder, name: str) -> list[dict]:
    return [json.loads(line) for line in root.get(f"{name}/out/metrics.jsonl").splitlines()]


def weights(root: Folder, name: str) -> dict:
    from safetensors.torch import load

    return load(root.get(f"{name}/out/model.safetensors"))


def test_two_workers_train_a_model_that_transformers_loads(trained: TrainOutcome, root: Folder) -> None:
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(root.where("plain/out"))
    assert sum(parameter.numel() for parameter in model.parameters()) == trained.parameters
    assert {Path(file.key).name for file in trained.files} == {
        "config.json",
        "generation_config.json",
        "metrics.jsonl",
        "model.safetensors",
    }
    steps = lines(root, "plain")
    assert [line["step"] for line in steps] == list(range(1, STEPS + 1))
    assert steps[-1]["loss"] < 0.95 * steps[0]["loss"]
    assert (trained.steps, trained.resumed_at, trained.final_loss) == (STEPS, 0, steps[-1]["loss"])


def test_the_last_checkpoints_are_kept_and_no_others(trained: TrainOutcome, root: Folder) -> None:
    assert [name for name in (root / "plain/progress").names() if name.startswith("step-")] == [
        "step-00000030",
        "step-00000032",
    ]


def test_a_finished_run_is_exported_again_without_training(trained: TrainOutcome, root: Folder) -> None:
    before = root.get("plain/out/model.safetensors")
    root.remove("plain/out")
    again = train(job(root, "plain", max_steps=STEPS), TWO_WORKERS)
    assert again.resumed_at == STEPS
    assert root.get("plain/out/model.safetensors") == before
    assert len(lines(root, "plain")) == STEPS


def test_a_checkpoint_of_another_run_is_refused(trained: TrainOutcome, root: Folder) -> None:
    with pytest.raises(ValueError, match="belongs to another training run"):
        train(job(root, "plain", max_steps=STEPS, learning_rate=1e-3), TWO_WORKERS)


def test_gpus_that_do_not_exist_are_refused_at_once(ray_session: Session, root: Folder) -> None:
    started = time.monotonic()
    with pytest.raises(
        ValueError, match=r"asks for 2 x \(1 CPU, 1 GPU\), each on one node; this Ray has .* and room for 0"
    ):
        train(job(root, "gpus"), TrainPlacement(workers=2, gpus=True))
    assert time.monotonic() - started < 5


@pytest.mark.slow
def test_nodes_that_never_come_end_the_wait(ray_session: Session, root: Folder) -> None:
    with pytest.raises(TrainingFailed, match="start_timeout_s is 3"):
        train(job(root, "gpus"), TrainPlacement(workers=2, gpus=True, autoscaling=True, start_timeout_s=3))


@pytest.mark.slow
@pytest.mark.parametrize(("workers", "micro_batch", "zero_stage"), [(1, 8, 0), (2, 1, 3)])
def test_placement_does_not_change_the_weights(
    trained: TrainOutcome, root: Folder, workers: int, micro_batch: int, zero_stage: int
) -> None:
    import torch

    placement = TrainPlacement(workers=workers, micro_batch=micro_batch, zero_stage=zero_stage)
    name = f"w{workers}m{micro_batch}z{zero_stage}"
    train(job(root, name, max_steps=STEPS), placement)
    for expected, line in zip(lines(root, "plain"), lines(root, name), strict=True):
        assert line["loss"] == pytest.approx(expected["loss"], abs=1e-4)
        assert (line["grad_norm"] is None) == (zero_stage == 0)
        assert zero_stage == 0 or line["grad_norm"] == pytest.approx(expected["grad_norm"], rel=1e-2)
    expected_weights = weights(root, "plain")
    for key, value in weights(root, name).items():
        torch.testing.assert_close(value, expected_weights[key], rtol=1e-2, atol=2e-3)


@pytest.mark.slow
def test_bf16_trains_without_sharding_too(ray_session: Session, root: Folder) -> None:
    train(job(root, "bf16", precision="bf16"), TWO_WORKERS.model_copy(update={"zero_stage": 0}))
    steps = lines(root, "bf16")
    assert steps[-1]["loss"] < 0.95 * steps[0]["loss"]


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", ["rows", "pairs", "second phase of rows", "second phase of pairs"])
def test_a_killed_driver_continues_to_the_same_weights_bit_by_bit(tmp_path: Path, kind: str) -> None:
    undisturbed = run_driver(tmp_path, "whole", kind)
    assert undisturbed["resumed_at"] == 0
    for kill_at in (1, 3) if kind == "rows" else (2,):
        driver = start_driver(tmp_path, "killed", kind)
        wait_for_checkpoints(tmp_path / "killed/progress", kill_at, driver)
        children = psutil.Process(driver.pid).children(recursive=True)
        os.kill(driver.pid, signal.SIGKILL)
        driver.wait()
        psutil.wait_procs(children, timeout=60)
    finished = run_driver(tmp_path, "killed", kind)
    assert 0 < finished["resumed_at"] < 60
    root = Folder(str(tmp_path))
    assert root.get("killed/out/model.safetensors") == root.get("whole/out/model.safetensors")
    keys = ("step", "loss", "lr", "answer_tokens", "tokens", "grad_norm")
    assert [[line[k] for k in keys] for line in lines(root, "killed")] == [
        [line[k] for k in keys] for line in lines(root, "whole")
    ]


@pytest.mark.slow
def test_a_killed_worker_is_replaced_and_the_weights_are_the_same(
    trained: TrainOutcome, ray_session: Session, root: Folder
) -> None:
    import threading

    def kill_one() -> None:
        wait_for_checkpoints(Path(root.where("worker/progress")), 1, None)
        victims = [
            process
            for process in psutil.Process().children(recursive=True)
            if process.name().startswith("ray::") and "TrainWorker" in process.name()
        ]
        os.kill(victims[0].pid, signal.SIGKILL)

    killer = threading.Thread(target=kill_one)
    killer.start()
    outcome = train(job(root, "worker", max_steps=STEPS), TWO_WORKERS)
    killer.join()
    assert outcome.resumed_at >= 5
    assert root.get("worker/out/model.safetensors") == root.get("plain/out/model.safetensors")


def start_driver(root: Path, name: str, kind: str) -> subprocess.Popen[bytes]:
    script = Path(__file__).with_name("train_driver.py")
    return subprocess.Popen([sys.executable, str(script), str(root), name, kind], stdout=subprocess.PIPE)


def run_driver(root: Path, name: str, kind: str) -> dict:
    driver = start_driver(root, name, kind)
    out, _ = driver.communicate(timeout=400)
    assert driver.returncode == 0
    return json.loads(out)


def wait_for_checkpoints(progress: Path, count: int, driver: subprocess.Popen[bytes] | None) -> None:
    deadline = time.monotonic() + 300
    while newest_step(progress) < 5 * count:
        assert time.monotonic() < deadline, "no checkpoint appeared"
        assert driver is None or driver.poll() is None, "the driver ended before it could be killed"
        time.sleep(0.02)

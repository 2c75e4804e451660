"""Training that goes on with another number of workers, at another ZeRO stage."""

import json

import pytest

from fsa_ray.engine.train import TrainPlacement
from fsa_ray.storage.folder import Folder
from fsa_ray.training.run import TrainOutcome, train
from fsa_ray.training.settings import Lora, ModelSource, TrainJob
from tests.ray.test_train import lines, weights
from tests.ray.train_driver import CONFIG, T5, VOCABULARY, job

pytestmark = pytest.mark.usefixtures("ray_session")

STEPS = {"max_steps": 18, "global_batch": 12, "checkpoint_every": 6}
EXACT = ("step", "lr", "answer_tokens", "tokens")
"""Of a step's line: what does not depend on rounding. Answer tokens tell the rows that were read."""

ODD = {**CONFIG, "vocab_size": VOCABULARY + 1, "hidden_size": 44, "intermediate_size": 95, "head_dim": 10}
"""Sizes that 3 does not divide, some neither 2: partitions are filled up."""

RMS = {"optimizer": "rms_adamw", "epsilon": 1e-6}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    return Folder(str(tmp_path_factory.mktemp("root")))


def placed(workers: int, zero_stage: int) -> TrainPlacement:
    return TrainPlacement(
        workers=workers, micro_batch=2, zero_stage=zero_stage, keep_checkpoints=3, start_timeout_s=120
    )


def go_back(given: TrainJob, step: int) -> None:
    """As if the run had been killed after this step."""
    for name in given.progress.names():
        if name.startswith("step-") and int(name.removeprefix("step-")) > step:
            given.progress.remove(name)


def moved(root: Folder, given: TrainJob, name: str, ways: list[tuple[int, int]]) -> tuple[list[dict], list[dict]]:
    """Lines of an undisturbed run at the first (workers, ZeRO stage), and of one that moves on after 6 and 12 steps."""
    train(given, placed(*ways[0]))
    undisturbed = lines(root, name)
    for number, way in enumerate(ways[1:], start=1):
        go_back(given, 6 * number)
        assert train(given, placed(*way)).resumed_at == 6 * number
    return undisturbed, lines(root, name)


def shift(undisturbed: list[dict], found: list[dict]) -> float:
    """The largest difference in loss."""
    assert [[line[key] for key in EXACT] for line in found] == [[line[key] for key in EXACT] for line in undisturbed]
    return max(abs(a["loss"] - b["loss"]) for a, b in zip(undisturbed, found, strict=True))


WAYS = [[(2, 2), (1, 0), (3, 3)], [(3, 1), (2, 3), (1, 2)], [(2, 0), (3, 2), (2, 1)], [(3, 3), (1, 1), (2, 0)]]


@pytest.mark.slow
@pytest.mark.parametrize("ways", WAYS, ids=str)
@pytest.mark.parametrize("config", [ODD, T5], ids=["packed", "pairs"])
@pytest.mark.parametrize("options", [{}, RMS], ids=["adamw", "rms"])
def test_a_run_goes_on_elsewhere(root: Folder, config: dict, options: dict, ways: list) -> None:
    name = f"{config['model_type']}-{options.get('optimizer')}-{ways[0]}".replace(" ", "")
    given = job(root, name, config=config, **STEPS, **options)
    difference = shift(*moved(root, given, name, ways))
    print("SHIFT", name, ways, difference)
    assert difference < 1e-4


@pytest.mark.slow
@pytest.mark.parametrize("ways", WAYS, ids=str)
def test_in_bf16_the_fp32_weights_move_too(root: Folder, ways: list) -> None:
    name = f"bf16-{ways[0]}".replace(" ", "")
    difference = shift(*moved(root, job(root, name, precision="bf16", **STEPS), name, ways))
    print("SHIFT", name, ways, difference)
    assert difference < 1e-3

"""Training that goes on with another number of workers, at another ZeRO stage."""

import numpy as np
import pytest

from fsa_ray.core.tables import write_table
from fsa_ray.engine.train import TrainPlacement
from fsa_ray.storage.folder import Folder
from fsa_ray.training.run import train
from fsa_ray.training.settings import Lora, TrainJob, Watch
from tests.ray.test_students import loss_of, soft_rows
from tests.ray.test_train import lines
from tests.ray.train_driver import CONFIG, T5, VOCABULARY, job

pytestmark = [pytest.mark.usefixtures("ray_session"), pytest.mark.timeout(900)]

Way = tuple[int, int]
"""Workers and ZeRO stage."""

STEPS = {"max_steps": 18, "global_batch": 12, "checkpoint_every": 6}
EXACT = ("step", "lr", "answer_tokens")
"""Of a step's line: what depends neither on rounding nor on padding. Answer tokens tell the rows that were read."""

ODD = {**CONFIG, "vocab_size": VOCABULARY + 1, "hidden_size": 44, "intermediate_size": 95, "head_dim": 10}
"""Sizes that 3 does not divide, some neither 2: partitions are filled up."""

RMS = {"optimizer": "rms_adamw", "epsilon": 1e-6}
WAYS = [[(2, 2), (1, 0), (3, 3)], [(3, 1), (2, 3), (1, 2)], [(3, 3), (1, 1), (2, 0)]]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    return Folder(str(tmp_path_factory.mktemp("root")))


def placed(way: Way) -> TrainPlacement:
    workers, stage = way
    return TrainPlacement(workers=workers, micro_batch=2, zero_stage=stage, keep_checkpoints=3, start_timeout_s=120)


def go_back(given: TrainJob, step: int) -> None:
    """As if the run had been killed after this step."""
    for name in given.progress.names():
        if name.startswith("step-") and int(name.removeprefix("step-")) > step:
            given.progress.remove(name)


def shift(root: Folder, name: str, ways: list[Way], **options: object) -> float:
    """The largest difference in a step's loss between a run that stays at the first way and one that moves on to the
    others after 6 and 12 steps."""
    name = name.replace(" ", "")
    given = job(root, name, **{**STEPS, **options})
    train(given, placed(ways[0]))
    undisturbed = lines(root, name)
    for number, way in enumerate(ways[1:], start=1):
        go_back(given, 6 * number)
        assert train(given, placed(way)).resumed_at == 6 * number
    found = lines(root, name)
    assert [[line[key] for key in EXACT] for line in found] == [[line[key] for key in EXACT] for line in undisturbed]
    return max(abs(a["loss"] - b["loss"]) for a, b in zip(undisturbed, found, strict=True))


def test_a_damaged_checkpoint_is_passed_over_and_the_one_before_it_goes_on_to_the_same_weights(root: Folder) -> None:
    given = job(root, "damaged", **STEPS)
    first = train(given, placed((2, 2)))
    name = "step-00000018/moments-1.safetensors"
    data = bytearray(given.progress.get(name))
    data[-1] ^= 1
    given.progress.put(name, bytes(data))
    again = train(given, placed((2, 2)))
    assert again.resumed_at == 12
    assert again.digest == first.digest
    assert [file.sha256 for file in again.files if file.key.endswith("model.safetensors")] == [
        file.sha256 for file in first.files if file.key.endswith("model.safetensors")
    ]


@pytest.mark.slow
def test_a_packed_run_goes_on_elsewhere(root: Folder) -> None:
    assert shift(root, "packed", WAYS[0], config=ODD) < 1e-5


@pytest.mark.slow
@pytest.mark.parametrize(
    ("config", "options", "ways"),
    [(T5, RMS, WAYS[0]), (ODD, RMS, WAYS[1]), (T5, {}, WAYS[2])],
    ids=["pairs-rms", "packed-rms", "pairs-adamw"],
)
def test_tied_weights_and_a_group_for_each_tensor(root: Folder, config: dict, options: dict, ways: list[Way]) -> None:
    name = f"{config['model_type']}-{options.get('optimizer')}-{ways}"
    assert shift(root, name, ways, config=config, **options) < 1e-5


@pytest.mark.slow
def test_in_bf16_the_fp32_weights_move_too(root: Folder) -> None:
    assert shift(root, "bf16", WAYS[1], precision="bf16") < 1e-3
    steps = lines(root, "bf16")
    assert steps[-1]["loss"] < steps[0]["loss"]


@pytest.mark.slow
def test_adapters_move_and_the_rest_of_the_model_is_not_stored(root: Folder) -> None:
    lora = Lora(rank=4, alpha=8, targets=("q_proj", "down_proj"))
    assert shift(root, "lora", WAYS[0], lora=lora, learning_rate=2e-2) < 1e-5
    stored = dict((root / "lora/progress").walk())
    adapters = 2 * 2 * 4 * (48 + 48 + 96 + 48)  # two layers, both matrices of each adapter, rank 4
    weights = sum(size for name, size in stored.items() if name.startswith("step-00000018/weights"))
    assert 4 * adapters / 2 <= weights < 4 * adapters + 20_000


@pytest.mark.slow
def test_the_best_weights_survive_a_move(root: Folder) -> None:
    """The watched examples contradict the corpus, so that the best step lies before the move."""
    dev = write_table(root, root / "dev", soft_rows(np.random.default_rng(7), flip=True))
    given = job(root, "watched", watch=Watch(every=3), learning_rate=2e-2, **STEPS).model_copy(update={"dev": dev})
    train(given, placed((2, 2)))
    looks = {line["step"]: line["dev_loss"] for line in lines(root, "watched") if line["dev_loss"] is not None}
    best = min(looks, key=looks.__getitem__)
    assert best <= 12
    go_back(given, 12)
    assert train(given, placed((3, 3))).resumed_at == 12
    assert loss_of(root, "watched", dev) == pytest.approx(looks[best], abs=1e-5)

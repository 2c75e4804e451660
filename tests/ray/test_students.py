"""Students of both kinds through Ray Train and DeepSpeed: encoder-decoders, phases, adapters, soft labels."""

import numpy as np
import pyarrow as pa
import pytest

from fsa_ray.core.artifact import Table
from fsa_ray.core.tables import read_table, write_table
from fsa_ray.storage.folder import Folder
from fsa_ray.training.batches import StepRows
from fsa_ray.training.model import load_model
from fsa_ray.training.packed_lm import PackedLM
from fsa_ray.training.packing import Tokenized, pack_table
from fsa_ray.training.pair_lm import PairLM
from fsa_ray.training.rows import read_rows
from fsa_ray.training.run import TrainOutcome, train
from fsa_ray.training.settings import Lora, ModelSource, SoftLabels, TrainJob, Watch
from fsa_ray.training.soft_targets import label_words
from tests.ray.test_train import lines, weights
from tests.ray.train_driver import T5, TWO_WORKERS, job, pairs

pytestmark = pytest.mark.usefixtures("ray_session")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    return Folder(str(tmp_path_factory.mktemp("root")))


def with_model(given: TrainJob, outcome: TrainOutcome, **changes: object) -> TrainJob:
    """The job, starting from the weights of another run."""
    return given.model_copy(update={"model": ModelSource(files=outcome.files), **changes})


def test_an_encoder_decoder_learns_32_pairs_by_heart_under_zero_2(root: Folder) -> None:
    import torch
    from transformers import AutoModelForSeq2SeqLM

    few = pairs(root, 32)
    options = {
        "global_batch": 32,
        "optimizer": "rms_adamw",
        "learning_rate": 3e-2,
        "epsilon": 1e-6,
        "weight_decay": 0.0,
    }
    given = job(root, "by-heart", config=T5, max_steps=150, checkpoint_every=100, **options)
    placement = TWO_WORKERS.model_copy(update={"micro_batch": 8})
    outcome = train(given.model_copy(update={"corpus": few}), placement)
    assert outcome.final_loss is not None and outcome.final_loss < 0.05
    model = AutoModelForSeq2SeqLM.from_pretrained(root.where("by-heart/out")).eval()
    right = 0
    for row in read_table(root, few).to_pylist():
        said = model.generate(torch.tensor([row["source"]]), max_new_tokens=20, do_sample=False)[0, 1:].tolist()
        right += said == row["target"]
    assert right == 32


@pytest.mark.parametrize("zero_stage", [0, 2])
def test_a_step_of_rms_adamw_equals_the_formula_for_every_tensor(root: Folder, zero_stage: int) -> None:
    import torch

    # A larger epsilon than in training: a gradient of 1e-9 is rounding, and divided by 1e-6 it would be a step.
    rate, epsilon = 3e-3, 1e-4
    options = {"optimizer": "rms_adamw", "epsilon": epsilon, "weight_decay": 0.0, "warmup_ratio": 0.0, "clip": 1e9}
    given = job(root, f"step-{zero_stage}", config=T5, max_steps=1, learning_rate=rate, **options)
    train(given, TWO_WORKERS.model_copy(update={"zero_stage": zero_stage}))
    lm = PairLM(load_model(root, given.model, torch.float32))
    rows = read_rows(root, given.corpus)
    numbers = StepRows(len(rows), given.settings.global_batch, given.settings.seed).of_step(0)
    batch = {name: torch.from_numpy(array) for name, array in rows.arrays(numbers).items()}
    text, _ = lm(**batch)
    (text / int(rows.answer_tokens[numbers].sum())).backward()
    found = weights(root, f"step-{zero_stage}")
    names = dict(lm.model.named_parameters())
    assert set(found) == set(names)
    for name, parameter in names.items():
        gradient, value = parameter.grad.double(), parameter.detach().double()
        size = max(1e-3, float(value.square().mean().sqrt()))
        # After one step the bias-corrected moments are the gradient and its square.
        expected = value - rate * size * gradient / (gradient.abs() + epsilon)
        torch.testing.assert_close(found[name].double(), expected, rtol=0, atol=1e-6, msg=name)


def test_a_phase_starts_from_the_weights_of_the_one_before(root: Folder) -> None:
    first = train(job(root, "knowledge", max_steps=6), TWO_WORKERS)
    second = train(with_model(job(root, "alignment", max_steps=4), first), TWO_WORKERS)
    assert second.start_digest == first.digest != second.digest
    assert first.start_digest != first.digest
    control = train(
        with_model(job(root, "untrained"), first).model_copy(update={"settings": job(root, "x", max_steps=0).settings}),
        TWO_WORKERS,
    )
    assert (control.steps, control.final_loss) == (0, None)
    assert control.start_digest == control.digest == first.digest


def test_adapters_are_merged_into_a_plain_model(root: Folder) -> None:
    """What comes out has the loss that the model with adapters had, and differs from the start by low ranks only."""
    import torch

    first = train(job(root, "base", max_steps=3), TWO_WORKERS)
    lora = Lora(rank=4, alpha=8, targets=("q_proj", "down_proj"))
    watch = Watch(every=12, best=False)
    given = job(root, "adapted", max_steps=12, learning_rate=2e-2, lora=lora, watch=watch, weight_decay=0)
    train(with_model(given, first, dev=given.corpus), TWO_WORKERS)
    before, after = weights(root, "base"), weights(root, "adapted")
    assert set(before) == set(after)
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed == {name for name in before if "q_proj" in name or "down_proj" in name}
    for name in changed:
        assert torch.linalg.matrix_rank(after[name] - before[name], atol=1e-5, rtol=0.0) <= 4
    assert lines(root, "adapted")[-1]["dev_loss"] == pytest.approx(loss_of(root, "adapted", given.corpus), abs=1e-4)


def loss_of(root: Folder, name: str, corpus: Table) -> float:
    """Of the model that came out, on packed rows, in one batch of plain torch."""
    import torch

    lm = PackedLM(load_model(root, ModelSource(path=root.where(f"{name}/out")), torch.float32))
    rows = read_rows(root, corpus)
    arrays = rows.arrays(np.arange(len(rows)))
    with torch.no_grad():
        text, _ = lm.eval()(**{name: torch.from_numpy(array).long() for name, array in arrays.items()})
    return float(text) / int(rows.answer_tokens.sum())


def test_the_best_weights_come_out_and_patience_ends_a_run(root: Folder) -> None:
    """The watched examples contradict the corpus: after some steps every further one makes them worse."""
    dev = write_table(root, root / "dev", soft_rows(np.random.default_rng(7), flip=True))
    given = job(root, "watched", max_steps=60, learning_rate=2e-2, watch=Watch(every=2, patience=2), checkpoint_every=4)
    outcome = train(given.model_copy(update={"dev": dev}), TWO_WORKERS)
    looks = {line["step"]: line["dev_loss"] for line in lines(root, "watched") if line["dev_loss"] is not None}
    best = min(looks, key=looks.__getitem__)
    assert outcome.steps == best + 4 < 60
    assert loss_of(root, "watched", dev) == pytest.approx(looks[best], abs=1e-4)
    again = job(root, "as-long", max_steps=60, learning_rate=2e-2, watch=Watch(every=best, patience=1, best=False))
    train(again.model_copy(update={"dev": dev}), TWO_WORKERS)
    assert {line["step"]: line["dev_loss"] for line in lines(root, "as-long")}[best] == pytest.approx(looks[best])


def test_soft_labels_teach_what_texts_do_not(root: Folder) -> None:
    """Answers say one of two words at random; the teacher's probabilities are 0.9 and 0.1 whatever they say."""
    corpus = write_table(root, root / "soft", soft_rows(np.random.default_rng(5)))
    given = job(root, "soft-labels", max_steps=40, soft_labels=SoftLabels(weight=0.9)).model_copy(
        update={"corpus": corpus}
    )
    train(given, TWO_WORKERS)
    steps = lines(root, "soft-labels")
    assert steps[-1]["label_loss"] < 0.05 < steps[0]["label_loss"]
    with pytest.raises(ValueError, match="no example of the corpus has the teacher's probabilities"):
        train(job(root, "hard", soft_labels=SoftLabels()), TWO_WORKERS)


def soft_rows(random: np.random.Generator, flip: bool = False) -> pa.Table:
    """Packed rows of examples `text, word`, half of them with the teacher's probabilities of the words 5 and 9."""
    count, length = 200, 6
    tokens = random.integers(10, 100, (count, length), dtype=np.int32)
    tokens[:, -1] = random.choice([5, 9], count)
    if flip:
        tokens[:, -1] = 100
    words = tuple(label_words([5, 9], np.log([0.9, 0.1])) if number % 2 else None for number in range(count))
    examples = Tokenized(
        pa.array([str(n) for n in range(count)]),
        tokens.reshape(-1),
        np.arange(count + 1) * length,
        np.full(count, length - 1),
        words,
    )
    return pack_table(examples, 32, pad_id=0, seed=0).rows

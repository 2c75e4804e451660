import pytest
from pydantic import ValidationError

from fsa_ray.core.artifact import DataFile, Table
from fsa_ray.core.fingerprint import fields_of
from fsa_ray.storage.folder import Folder
from fsa_ray.training.schedule import learning_rate
from fsa_ray.training.settings import ModelSource, TrainJob, TrainSettings


def settings(**changes) -> TrainSettings:
    return TrainSettings(**{"epochs": 1, "global_batch": 8, "learning_rate": 1e-3, **changes})


def test_rate_warms_up_then_follows_a_cosine_to_its_floor():
    plan = settings(warmup_ratio=0.1, min_lr_ratio=0.1)
    rates = [learning_rate(plan, step, 100) for step in range(100)]
    assert rates[:10] == pytest.approx([1e-4 * (step + 1) for step in range(10)])
    assert rates[10] == pytest.approx(1e-3)
    assert rates[55] == pytest.approx(1e-4 + 9e-4 * 0.5)
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[-1] == pytest.approx(1e-4, rel=0.01)


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_no_step_is_wasted_on_a_rate_of_zero(steps):
    assert all(learning_rate(settings(warmup_ratio=0.5), step, steps) > 0 for step in range(steps))


@pytest.mark.parametrize("changes", [{"epochs": None}, {"max_steps": 3}, {"betas": (0.9, 1.0)}, {"learning_rate": -1}])
def test_settings_that_make_no_sense_are_refused(changes):
    with pytest.raises(ValidationError):
        settings(**changes)


def test_the_usual_weight_of_soft_labels_is_small_and_always_part_of_the_identity():
    usual = settings(soft_labels={}).soft_labels
    assert usual is not None and usual.weight == 0.1
    assert fields_of(usual, skip_defaults=True) == {"weight": {"float": (0.1).hex()}}
    with pytest.raises(ValidationError):
        settings(soft_labels={"weight": 0})


def test_a_model_comes_from_one_place():
    with pytest.raises(ValidationError, match="give one of"):
        ModelSource(path="x", config={"model_type": "qwen3"})
    with pytest.raises(ValidationError, match="no model_type"):
        ModelSource(config={"hidden_size": 3})


def job(folder, *, key: str = "a", digest: str = "d", path: str = "/mnt/model", **changes) -> TrainJob:
    root = Folder(str(folder))
    table = Table(files=(DataFile(key=key, size=1, sha256=digest, rows=1),))
    return TrainJob(
        settings=settings(**changes), model=ModelSource(path=path), root=root, corpus=table, out=root, progress=root
    )


def test_a_run_is_known_by_what_decides_its_weights_and_not_by_where_that_lies(tmp_path):
    known = job(tmp_path).identity
    assert job(tmp_path / "elsewhere", key="b", path="s3://bucket/model", checkpoint_every=7).identity == known
    for changed in ({"digest": "e"}, {"seed": 7}, {"learning_rate": 2e-3}, {"lora": {"rank": 4}}):
        assert job(tmp_path, **changed).identity != known
    assert job(tmp_path).model_copy(update={"dev": job(tmp_path).corpus}).identity != known

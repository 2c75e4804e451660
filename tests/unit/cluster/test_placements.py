"""The placements that come with the project: every key is known, and they fit the machines they are named for."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from fsa_ray.cli.sections import SECTIONS, read_placement
from fsa_ray.core.placement import Placement
from fsa_ray.engine.train import TrainPlacement
from fsa_ray.training.batches import group_sizes

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "cluster" / "placements"
FILES = sorted(FOLDER.glob("*.yaml"))


def section(name: str, of: str) -> Any:
    return Placement.read(FOLDER / f"{of}.yaml").section(name, SECTIONS[name])


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_section_and_key_is_known(file: Path) -> None:
    assert read_placement(file).sections


def test_a_misspelt_section_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "placement.yaml"
    file.write_text("trian: {workers: 2}")
    with pytest.raises(ValueError, match=r"placement.yaml: no section is called 'trian'; did you mean 'train'"):
        read_placement(file)
    file.write_text("train: {wrokers: 2}")
    with pytest.raises(ValueError, match=r"section train.*wrokers"):
        read_placement(file)


@pytest.mark.parametrize("name", list(SECTIONS))
def test_a_misspelt_key_would_be_found(name: str) -> None:
    placement = Placement(sections={name: {"wrokers": 1}})
    with pytest.raises(ValueError, match="wrokers"):
        placement.section(name, SECTIONS[name])


@pytest.mark.parametrize(
    ("file", "gpus"), [("one-gpu", 1), ("eight-gpus", 8), ("autoscaling", 4), ("four-by-eight-gpus", 32)]
)
def test_every_stage_uses_all_gpus_and_no_more(file: str, gpus: int) -> None:
    engine, train = section("engine", file), section("train", file)
    assert engine.device == "gpu"
    assert engine.replicas * engine.gpus == gpus
    assert train.gpus
    assert train.workers == gpus
    for name in ("score", "seq2seq"):
        actors = section(name, file)
        if name in Placement.read(FOLDER / f"{file}.yaml").sections:
            assert actors.workers * actors.gpus == gpus


JOBS = {file.stem for file in (ROOT / "jobs").glob("*.yaml")}
LARGE = {"compeffdist-70b", "joint-70b", "targeted-70b"}
ODD = "fsa-mixtral"


@pytest.mark.parametrize(
    ("file", "jobs"),
    [
        ("laptop", JOBS - LARGE - {ODD}),
        ("one-gpu", JOBS - LARGE - {ODD}),
        ("autoscaling", JOBS - LARGE - {ODD}),
        ("eight-gpus", LARGE),
        ("four-by-eight-gpus", LARGE),
    ],
)
def test_workers_divide_the_global_batches_of_the_jobs_for_them(file: str, jobs: set[str]) -> None:
    assert jobs
    for job in jobs:
        assert fits(job, section("train", file)), job


def test_the_job_with_odd_batches_takes_the_placement_that_its_readers_are_told() -> None:
    (told,) = re.findall(r"`fsa-mixtral` .* takes `(.*)` with `train: ({.*})`", (ROOT / "README.md").read_text())
    train = section("train", told[0])
    assert not fits(ODD, train)
    assert fits(ODD, train.model_copy(update=yaml.safe_load(told[1])))


@pytest.mark.parametrize("file", sorted((ROOT / "cluster").glob("*/*.yaml")), ids=lambda file: file.name)
def test_a_command_in_a_cluster_file_names_a_job_and_a_placement_that_fit(file: Path) -> None:
    text = re.sub(r"\s+(# )?", " ", file.read_text())
    for job, placement in re.findall(r"fsa-ray run jobs/([\w-]+).yaml .*?placements/([\w-]+).yaml", text):
        assert fits(job, section("train", placement))


def fits(job: str, train: TrainPlacement) -> bool:
    batches = global_batches(yaml.safe_load((ROOT / "jobs" / f"{job}.yaml").read_text()))
    for batch in batches:
        try:
            group_sizes(batch, train.workers, train.min_workers, train.micro_batch)
        except ValueError:
            return False
    return bool(batches)


def global_batches(document: Any) -> list[int]:
    if not isinstance(document, dict):
        return []
    inner = [batch for value in document.values() for batch in global_batches(value)]
    return [document["global_batch"], *inner] if "global_batch" in document else inner


def test_a_replica_fits_on_one_machine_of_eight_gpus() -> None:
    assert 8 % section("engine", "four-by-eight-gpus").gpus == 0


@pytest.mark.parametrize("file", ["laptop", "one-gpu", "eight-gpus"])
def test_one_machine_starts_its_own_ray(file: str) -> None:
    assert section("ray", file).address == "local"


def test_a_growing_cluster_is_waited_for() -> None:
    ray, train = section("ray", "autoscaling"), section("train", "autoscaling")
    assert ray.address == "auto"
    assert ray.autoscaling
    assert train.autoscaling
    # longer than a group of machines is waited for (RAY_AUTOSCALER_RECONCILE_ALLOCATE_STATUS_TIMEOUT_S), and another
    for name in ("engine", "endpoint", "score", "seq2seq", "train"):
        assert section(name, "autoscaling").start_timeout_s > 2 * 900

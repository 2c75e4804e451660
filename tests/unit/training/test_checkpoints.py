import pytest

from fsa_ray.storage.folder import Folder
from fsa_ray.training.checkpoints import Part, name_of, newest_complete, refuse_stranger, remove_others


@pytest.fixture
def progress(tmp_path) -> Folder:
    return Folder(str(tmp_path / "progress"))


def write(progress: Folder, step: int, ranks: tuple[int, ...] = (0, 1)) -> None:
    folder = progress / name_of(step)
    for rank in ranks:
        folder.put(f"deepspeed/{rank}.pt", b"x" * 10)
        files = {f"deepspeed/{rank}.pt": 10}
        part = Part(step=step, rank=rank, workers=2, zero_stage=2, identity="i", files=files)
        folder.put(f"part-{rank}.json", part.model_dump_json().encode())


def steps(progress: Folder) -> int | None:
    found = newest_complete(progress)
    return found.part.step if found else None


def test_nothing_is_found_in_a_folder_that_is_not_there(progress):
    assert newest_complete(progress) is None


def test_the_newest_whole_checkpoint_is_found(progress):
    write(progress, 5)
    write(progress, 10)
    assert steps(progress) == 10


def tear_part(progress: Folder) -> None:
    (progress / name_of(10)).put("part-1.json", b'{"step": 1')


def cut_file(progress: Folder) -> None:
    (progress / name_of(10)).put("deepspeed/1.pt", b"x" * 9)


def lose_file(progress: Folder) -> None:
    (progress / name_of(10)).remove("deepspeed/0.pt")


def lose_part(progress: Folder) -> None:
    (progress / name_of(10)).remove("part-0.json")


@pytest.mark.parametrize("damage", [tear_part, cut_file, lose_file, lose_part])
def test_an_incomplete_checkpoint_is_passed_over(progress, damage):
    write(progress, 5)
    write(progress, 10)
    damage(progress)
    assert steps(progress) == 5


def test_all_but_the_found_one_are_removed(progress):
    for step in (5, 10, 15):
        write(progress, step, ranks=(0, 1) if step < 15 else (0,))
    remove_others(progress, newest_complete(progress))
    assert progress.names() == [name_of(10)]


def test_other_runs_and_other_worker_counts_are_refused(progress):
    write(progress, 5)
    found = newest_complete(progress)
    assert found is not None
    refuse_stranger(found, workers=2, zero_stage=2, identity="i")
    with pytest.raises(ValueError, match="another training run"):
        refuse_stranger(found, workers=2, zero_stage=2, identity="j")
    with pytest.raises(ValueError, match="written by 2 workers at ZeRO stage 2, this run has 1"):
        refuse_stranger(found, workers=1, zero_stage=2, identity="i")

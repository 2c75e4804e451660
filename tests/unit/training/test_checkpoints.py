import hashlib
import tempfile

import pytest

from fsa_ray.storage.folder import Folder
from fsa_ray.training.checkpoints import (
    Part,
    Stored,
    complete,
    is_sound,
    name_of,
    refuse_stranger,
    remove_all_but,
    remove_local,
    rotate,
    save_part,
)
from fsa_ray.training.watch import BestWeights

SIZE = 1 << 20
GIB = 2 * SIZE / (1 << 30)  # of a checkpoint of two parts


@pytest.fixture
def progress(tmp_path) -> Folder:
    return Folder(str(tmp_path / "progress"))


def write(progress: Folder, step: int, ranks: tuple[int, ...] = (0, 1), **changes: object) -> None:
    folder = progress / name_of(step)
    data = bytes(SIZE)
    for rank in ranks:
        folder.put(f"weights-{rank}.safetensors", data)
        files = {f"weights-{rank}.safetensors": Stored(size=SIZE, sha256=hashlib.sha256(data).hexdigest())}
        part = Part(
            step=step, rank=rank, workers=2, zero_stage=2, identity="i", attempt="a", best=None, files=files
        ).model_copy(update=changes)
        folder.put(f"part-{rank}.json", part.model_dump_json().encode())


def steps(progress: Folder) -> list[int]:
    return [found.step for found in complete(progress)]


def folders(progress: Folder) -> list[str]:
    return [name for name in progress.names() if name.startswith("step-")]


def test_nothing_is_found_in_a_folder_that_is_not_there(progress):
    assert steps(progress) == []


def test_whole_checkpoints_are_found_the_newest_first(progress):
    write(progress, 5)
    write(progress, 10)
    assert steps(progress) == [10, 5]
    assert next(complete(progress)).size == 2 * SIZE


def tear_part(progress: Folder) -> None:
    (progress / name_of(10)).put("part-1.json", b'{"step": 1')


def cut_file(progress: Folder) -> None:
    (progress / name_of(10)).put("weights-1.safetensors", b"x" * 9)


def lose_file(progress: Folder) -> None:
    (progress / name_of(10)).remove("weights-0.safetensors")


def lose_part(progress: Folder) -> None:
    (progress / name_of(10)).remove("part-0.json")


def mix_attempts(progress: Folder) -> None:
    write(progress, 10, ranks=(1,), attempt="b")


@pytest.mark.parametrize("damage", [tear_part, cut_file, lose_file, lose_part, mix_attempts])
def test_an_incomplete_checkpoint_is_passed_over(progress, damage):
    write(progress, 5)
    write(progress, 10)
    damage(progress)
    assert steps(progress) == [5]


def test_a_file_of_the_right_size_and_another_content_is_not_sound(progress):
    write(progress, 5)
    found = next(complete(progress))
    assert is_sound(found, found.parts)
    found.folder.put("weights-1.safetensors", b"\1" + bytes(SIZE - 1))
    found = next(complete(progress))
    assert is_sound(found, found.parts[:1]) and not is_sound(found, found.parts[1:])


def test_before_a_run_goes_on_what_is_not_whole_goes(progress):
    for step in (5, 10, 15):
        write(progress, step, ranks=(0, 1) if step < 15 else (0,))
    remove_all_but(progress, list(complete(progress)))
    assert folders(progress) == [name_of(5), name_of(10)]


@pytest.mark.parametrize(
    ("count", "gib", "kept"),
    [(2, None, [15, 10]), (1, None, [15]), (9, 2.5 * GIB, [15, 10]), (9, GIB / 2, [15]), (2, 9 * GIB, [15, 10])],
)
def test_rotation_is_by_count_and_size_and_keeps_the_newest_complete_one(progress, count, gib, kept):
    for step in (5, 10, 15):
        write(progress, step)
    write(progress, 20, ranks=(0,))  # on its way
    assert [found.step for found in rotate(progress, count, gib)] == kept
    assert folders(progress) == sorted(name_of(step) for step in [*kept, 20])


def test_weights_that_a_kept_checkpoint_would_go_back_to_stay(progress):
    best = BestWeights.beside(progress)
    for step in (2, 4, 6, 8):
        best.keep(step, {})
    best.forget(until=6, but={4, None})
    assert (progress / "best").names() == ["step-00000004.safetensors", "step-00000008.safetensors"]


def test_checkpoints_of_other_runs_are_refused_and_of_other_workers_taken(progress):
    write(progress, 5)
    found = next(complete(progress))
    refuse_stranger(found, "i")
    with pytest.raises(ValueError, match="another training run"):
        refuse_stranger(found, "j")


class Nothing:
    """Of a worker that has no tensors."""

    owned: list = []

    def weights(self) -> dict:
        return {}

    moments = weights


def test_parts_that_never_reached_the_storage_go_and_those_of_others_stay(progress, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    part = Part(step=5, rank=0, workers=2, zero_stage=2, identity="i", attempt="a", best=None)
    other = Folder(str(tmp_path / "other"))
    ours, neighbour, elsewhere = (
        save_part(place, Nothing(), part.model_copy(update={"rank": rank}), [])
        for place, rank in ((progress, 0), (progress, 1), (other, 0))
    )
    remove_local(progress, 0)
    assert not ours.exists() and neighbour.exists() and elsewhere.exists()

"""What gc takes for waste: results that nothing refers to, and nothing that somebody else put below the root."""

import os
import time
from pathlib import Path

import pytest

from fsa_ray.core.pipeline import Pipeline
from fsa_ray.core.runner import StageFailed, load
from fsa_ray.core.stage import StageContext
from fsa_ray.core.sweep import sweep
from fsa_ray.storage.claim import Claim, Entry, Holder
from fsa_ray.storage.folder import Folder
from tests.unit.core.toy_stages import TROUBLE, Drop, Numbers, Toys, pipeline


def wasted(root: Folder) -> list[str]:
    return sorted(waste.folder for waste in sweep(root))


def hours_later(toys: Toys) -> None:
    """The last signs of life of all drivers were two hours ago."""
    long_ago = time.time() - 7200
    for path in Path(toys.root.path).glob("*/*/claims/*"):
        os.utime(path, (long_ago, long_ago))


def fails(ctx: StageContext) -> None:
    raise RuntimeError("out of luck")


def unnamed(toys: Toys) -> Pipeline:
    """A pipeline of two stages that leaves no index, as predict's; the first one is done."""
    drop = Drop(numbers=Numbers(size=7))
    made = Pipeline("predict", {"numbers": drop.numbers, "drop": drop})
    toys.run(made, until="numbers", named=False)
    return made


def test_results_that_no_run_refers_to_are_waste(toys: Toys) -> None:
    toys.run(pipeline())
    assert wasted(toys.root) == [f"{pipeline().stages['drop'].folder}/progress"]
    toys.run(pipeline(size=5), allow=frozenset({"ask"}))
    hours_later(toys)
    old = [stage.folder for stage in pipeline().stages.values()]
    assert wasted(toys.root) == sorted([*old, f"{pipeline(size=5).stages['drop'].folder}/progress"])


def test_what_a_paid_result_was_made_of_is_kept_with_it(toys: Toys) -> None:
    toys.run(pipeline())
    toys.run(pipeline(size=5), until="numbers")
    progress = [f"{pipeline().stages['drop'].folder}/progress"]
    assert wasted(toys.root) == progress, "the index still names the answers, which were asked about these"


def test_what_others_put_below_the_root_is_left_alone(toys: Toys) -> None:
    foreign = [
        "notes.txt",
        "0123456789ab",
        "src/package/module.py",
        "src/0123456789ab",
        "checkouts/0123456789ab/README.md",
        "drop/notes/claims/000001.json",
        "drop/0123456789ab/claims/000001.json",
        "drop/0123456789ab/mine.txt",
    ]
    for name in foreign:
        toys.root.put(name, b"mine")
    assert wasted(toys.root) == []


def test_an_attempt_that_was_interrupted_is_waste_when_no_run_refers_to_it(toys: Toys) -> None:
    TROUBLE["drop"] = fails
    with pytest.raises(StageFailed):
        toys.run(pipeline(), named=False)
    hours_later(toys)
    left = [pipeline().stages[label].folder for label in ("drop", "numbers")]
    assert wasted(toys.root) == left
    toys.root.remove(f"{left[0]}/claims")  # as a gc that was interrupted leaves it
    assert wasted(toys.root) == left


def test_what_an_evaluation_names_is_kept(toys: Toys) -> None:
    made = unnamed(toys)
    numbers = made.stages["numbers"]
    hours_later(toys)
    assert wasted(toys.root) == [numbers.folder]
    toys.root.put("evaluations/mine.json", load(toys.root, numbers).model_dump_json().encode())
    assert wasted(toys.root) == []


def test_what_work_without_a_name_may_read_is_kept_while_it_goes_on(toys: Toys) -> None:
    made = unnamed(toys)
    claims = Path(toys.root.path) / made.stages["drop"].folder / "claims"
    with Claim.take(toys.root / made.stages["drop"].folder):
        hours_later(toys)
        (claims / "000001.beat").touch()
        assert wasted(toys.root) == []
    hours_later(toys)
    assert wasted(toys.root) == sorted(stage.folder for stage in made.stages.values())


def test_what_was_just_made_without_a_name_and_what_it_was_made_of_is_still_to_be_read(toys: Toys) -> None:
    made, other = unnamed(toys), Pipeline("other", {"numbers": Numbers(size=6)})
    toys.run(other, named=False)
    hours_later(toys)
    toys.run(made, named=False)  # reuses the old numbers
    assert wasted(toys.root) == [other.stages["numbers"].folder]
    hours_later(toys)
    assert len(wasted(toys.root)) == 3


def test_a_run_that_goes_on_keeps_no_waste(toys: Toys) -> None:
    made = unnamed(toys)
    hours_later(toys)
    toys.run(pipeline(), until="drop")
    with Claim.take(toys.root / pipeline().stages["ask"].folder):
        assert made.stages["numbers"].folder in wasted(toys.root)


def test_a_driver_that_died_elsewhere_keeps_only_its_own_folder(toys: Toys) -> None:
    made = unnamed(toys)
    claims = toys.root / made.stages["drop"].folder / "claims"
    hours_later(toys)
    Entry(Holder("elsewhere", 1, 1.0, "theirs")).write(claims, 1)
    assert wasted(toys.root) == []
    hours_later(toys)
    assert wasted(toys.root) == [made.stages["numbers"].folder]

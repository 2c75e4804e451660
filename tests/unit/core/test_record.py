"""Records: what they hold, and the guard against defaults that change under them."""

from typing import Any, ClassVar

import pytest
from pydantic import BaseModel, ConfigDict

from fsa_ray.core.pipeline import Pipeline
from fsa_ray.core.record import contradictions, read_record
from fsa_ray.core.runner import load
from fsa_ray.core.stage import Stage, StageContext
from tests.unit.core.toy_stages import Count, Toys, pipeline


class Settings(BaseModel):
    model_config = ConfigDict(frozen=True)
    depth: int = 1


class Plain(Stage[Count]):
    name: ClassVar[str] = "plain"
    version: ClassVar[int] = 1
    size: int = 1
    rate: float = 2
    settings: Settings = Settings()

    def run(self, ctx: StageContext) -> Count:
        return Count(count=self.size)


def test_a_record_tells_all(toys: Toys) -> None:
    steps = toys.run(pipeline())
    record = next(step.record for step in steps if step.label == "drop")
    assert record is not None
    assert record.parameters["every"] == 3
    assert record.inputs == {"numbers": pipeline().stages["numbers"].folder}
    assert record.measures["seconds"] >= 0
    assert record.provenance.attempt == 1
    assert record.provenance.ended >= record.provenance.started
    assert load(toys.root, pipeline().stages["ask"]) == Count(count=6)


def test_load_before_the_run_says_so(toys: Toys) -> None:
    with pytest.raises(ValueError, match="stage 'ask' has no record"):
        load(toys.root, pipeline().stages["ask"])


def test_a_changed_default_is_refused(toys: Toys) -> None:
    class Changed(Plain):
        size: int = 2

    toys.run(Pipeline("p", {"plain": Plain()}))
    assert Changed().fingerprint == Plain().fingerprint
    with pytest.raises(ValueError, match=r"made when size of stage 'plain'.* set Changed\.version to 2"):
        read_record(toys.root, Changed())


def test_a_changed_default_of_a_model_inside_is_refused(toys: Toys) -> None:
    class Deeper(Settings):
        depth: int = 2

    Deeper.__name__ = "Settings"

    class Changed(Plain):
        settings: Settings = Deeper()

    toys.run(Pipeline("p", {"plain": Plain()}))
    with pytest.raises(ValueError, match=r"made when settings\.depth of stage"):
        read_record(toys.root, Changed())


def test_new_and_removed_fields_leave_old_results_good(toys: Toys) -> None:
    class Grown(Plain):
        more: str = "as before"

    class Before(Stage[Count]):
        name: ClassVar[str] = "plain"
        version: ClassVar[int] = 1
        size: int = 1

    toys.run(Pipeline("p", {"plain": Plain()}))
    assert read_record(toys.root, Grown()) is not None
    assert read_record(toys.root, Before()) is not None
    assert read_record(toys.root, Grown(more="otherwise")) is None


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ({"a": 1}, {"a": 1, "b": 2}, []),
        ({"a": {"dict": {"x": 1}}}, {"a": {"dict": {"x": 1, "y": 2}}}, ["a"]),
        ({"a": {"model": "M", "fields": {"x": 1}}}, {"a": {"model": "M", "fields": {"x": 2, "y": 1}}}, ["a.x"]),
        ({"a": {"model": "M", "fields": {}}}, {"a": {"model": "N", "fields": {}}}, ["a"]),
    ],
)
def test_contradictions(old: dict[str, Any], new: dict[str, Any], found: list[str]) -> None:
    assert contradictions(old, new) == found

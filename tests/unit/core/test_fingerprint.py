"""A fingerprint names what changes a result, all of it and nothing else."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field

from fsa_ray.core.fingerprint import canonical, encode
from fsa_ray.core.stage import Stage
from tests.unit.core.toy_stages import Ask, Count, Drop, Join, Numbers

GOLDEN = Path(__file__).parents[2] / "golden" / "fingerprints.json"


class Base(BaseModel):
    model_config = ConfigDict(frozen=True)
    width: int = 1


class Wide(Base):
    depth: int = 2


class Colour(StrEnum):
    RED = "red"


class Every(Stage[Count]):
    name: ClassVar[str] = "every"
    version: ClassVar[int] = 1

    count: int = 1
    rate: float = 1
    maybe: float | None = None
    text: str = "a"
    flag: bool = True
    pair: tuple[Any, ...] = (1, 2)
    table: dict[str, Any] = {"a": 1}
    part: Base = Base()
    colour: Colour = Colour.RED
    any: Any = None
    path: str = Field("here", exclude=True)
    before: Numbers | None = None


STAGES: dict[str, Stage[Any]] = {
    "every default": Every(),
    "every changed": Every(
        count=2, rate=0.1, maybe=-0.0, text="é", flag=False, pair=(1.5, "x", (True, None)), table={"b": {"c": 1}}
    ),
    "subclass": Every(part=Wide(width=3, depth=4)),
    "wired": Every(before=Numbers(size=3)),
    "join": Join(asked=(Ask(drop=Drop(numbers=Numbers())), Ask(drop=Drop(numbers=Numbers()), engine="e2"))),
}


def test_golden_fingerprints() -> None:
    """If this fails, every stored result of every user is orphaned: raise SCHEME or mend the encoder."""
    assert {name: stage.fingerprint for name, stage in STAGES.items()} == json.loads(GOLDEN.read_text())


@pytest.mark.parametrize(
    "changed",
    [
        {"count": 2},
        {"rate": 1.5},
        {"maybe": 1},
        {"maybe": 0.0},
        {"text": "b"},
        {"flag": False},
        {"pair": (2, 1)},
        {"pair": (1, 2.0)},
        {"pair": (True, 2)},
        {"pair": ((1, 2),)},
        {"pair": ("1", 2)},
        {"table": {"a": True}},
        {"table": {"a": 1, "b": None}},
        {"table": {}},
        {"part": Base(width=2)},
        {"part": Wide()},
        {"any": 0},
        {"any": ""},
        {"any": ()},
        {"any": {}},
        {"any": False},
        {"any": Wide(depth=3)},
        {"any": {"model": "Wide", "fields": {"depth": 3}}},
        {"any": {"float": (1.5).hex()}},
        {"any": 1.5},
        {"any": "1.5"},
        {"before": Numbers()},
        {"before": Numbers(size=11)},
    ],
)
def test_every_change_is_seen_and_no_two_are_taken_for_one(changed: dict[str, Any]) -> None:
    others = [Every(), *(stage for stage in STAGES.values() if isinstance(stage, Every))]
    mine = Every(**changed).fingerprint
    assert mine not in {stage.fingerprint for stage in others}
    assert mine == Every(**changed).fingerprint
    seen = SEEN.setdefault(mine, repr(changed))
    assert seen == repr(changed)


SEEN: dict[str, str] = {}


def test_defaults_are_left_out_however_they_are_written() -> None:
    written = Every(
        count=1, rate=1.0, maybe=None, text="a", flag=True, pair=(1, 2), table={"a": 1}, part=Base(), colour=Colour.RED
    )
    assert written.fingerprint == Every().fingerprint
    assert Every(rate=1).fingerprint == Every().fingerprint
    assert Numbers(rate=1).fingerprint == Numbers().fingerprint
    assert Every(part=Base(width=1)).fingerprint == Every().fingerprint


def test_a_new_field_at_its_default_changes_nothing() -> None:
    class Grown(Every):
        more: int = 5

    assert Grown().fingerprint == Every().fingerprint
    assert Grown(more=6).fingerprint != Every().fingerprint


def test_where_data_lies_is_no_identity() -> None:
    assert Every(path="there").fingerprint == Every().fingerprint


def test_name_version_and_deep_inputs_count() -> None:
    class Newer(Every):
        version: ClassVar[int] = 2

    class Renamed(Every):
        name: ClassVar[str] = "other"

    assert len({stage.fingerprint for stage in (Every(), Newer(), Renamed())}) == 3
    deep = [Join(asked=(Ask(drop=Drop(numbers=Numbers(size=size))),)) for size in (1, 2)]
    assert deep[0].fingerprint != deep[1].fingerprint
    assert list(deep[0].inputs()) == ["asked.0"]


@pytest.mark.parametrize(
    "value",
    [{1, 2}, frozenset({1}), object(), [1], b"bytes", float("nan"), float("inf"), Path("x"), {1: 2}, ({"a": {1}},)],
)
def test_what_has_no_exact_form_is_refused_by_its_place(value: object) -> None:
    with pytest.raises(TypeError, match=r"Every\.any"):
        _ = Every(any=value).fingerprint


def test_undeclared_fields_of_a_model_are_refused() -> None:
    class Loose(BaseModel):
        model_config = ConfigDict(extra="allow", frozen=True)

    with pytest.raises(TypeError, match=r"undeclared fields: surprise"):
        _ = Every(any=Loose(surprise=1)).fingerprint


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4).map(tuple) | st.dictionaries(st.text("abc"), inner, max_size=4),
    max_leaves=12,
)


def typed(value: Any) -> Any:
    """`value` with types spelled out, so that == tells 1 from 1.0 and True."""
    if isinstance(value, tuple):
        return ("tuple", *map(typed, value))
    if isinstance(value, dict):
        return {key: typed(item) for key, item in value.items()}
    return type(value).__name__, repr(value)


@given(VALUES, VALUES)
def test_encoding_is_exact(one: Any, two: Any) -> None:
    codes = [canonical(encode(value, where="x", skip_defaults=True)) for value in (one, two)]
    assert (codes[0] == codes[1]) == (typed(one) == typed(two))


@given(st.dictionaries(st.text("abcdef", min_size=1), VALUES, max_size=6), st.randoms())
def test_order_of_keys_does_not_matter(table: dict[str, Any], random: Any) -> None:
    items = list(table.items())
    random.shuffle(items)
    assert Every(table=table).fingerprint == Every(table=dict(items)).fingerprint

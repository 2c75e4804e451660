from hypothesis import given
from hypothesis import strategies as st

from fsa_ray.reporting.labels import fitted


def test_names_that_fit_stay() -> None:
    assert fitted(["Teacher", "Student  x\n"], 100) == ["Teacher", "Student x"]


def test_names_that_became_equal_are_numbered() -> None:
    long = "Qwen3-1.7B distilled from Qwen3-32B with "
    first, second, third = fitted([long + "all", long + "half", "Teacher"], 120)
    assert (first[-4:], second[-4:], third) == (" (1)", " (2)", "Teacher")
    assert first[:-4] == second[:-4]


def test_wide_letters_take_more_room() -> None:
    (wide,), (narrow,) = fitted(["評論" * 20], 142), fitted(["ab" * 20], 142)
    assert (len(wide), len(narrow)) == (11, 20)


@given(st.lists(st.text(min_size=1), max_size=4), st.integers(60, 200))
def test_no_name_is_too_long(names: list[str], pixels: int) -> None:
    shown = fitted(names, pixels)
    assert len(shown) == len(names)
    assert all("\n" not in name for name in shown)

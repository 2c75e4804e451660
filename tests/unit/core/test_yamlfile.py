"""YAML of people: merges work, and what is there twice is not lost silently."""

from pathlib import Path

import pytest

from fsa_ray.core.yamlfile import parse_yaml, read_yaml


def test_what_is_merged_may_be_overridden() -> None:
    text = "a: &a {x: 1, y: 1}\nb: &b {<<: *a, y: 2}\nc: {<<: [*a, *b], z: 4}\n"
    assert parse_yaml(text, "text") == {
        "a": {"x": 1, "y": 1},
        "b": {"x": 1, "y": 2},
        "c": {"x": 1, "y": 1, "z": 4},
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\nb: 2\na: 3\n", "line 3: the key 'a' was there already in line 1; keep one"),
        ("a:\n  - {b: 1, 'b': 2}\n", "line 2: the key 'b'"),
        ("a: {<<: {x: 1}, y: 1, y: 2}\n", "line 1: the key 'y'"),
        ("1: a\n0x1: b\n", "line 2: the key '0x1' was there already in line 1"),
        ("{yes: 1, true: 2}\n", "the key 'true' was there already"),
        ("a: [\n", "not YAML (while parsing"),
    ],
)
def test_a_mistake_is_named_with_file_and_line(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "some.yaml").write_text(text)
    with pytest.raises(ValueError, match=r"some\.yaml: ") as error:
        read_yaml(tmp_path / "some.yaml")
    assert said in str(error.value)


def test_the_same_words_in_different_types_are_different_keys() -> None:
    assert parse_yaml("1: a\n'1': b\n", "text") == {1: "a", "1": "b"}

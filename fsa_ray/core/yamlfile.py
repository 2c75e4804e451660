"""YAML as people write it: a key that stands twice in one mapping is a mistake, not the last value's victory."""

from pathlib import Path
from typing import Any

import yaml


class _Twice(yaml.YAMLError):
    """A key stands twice in one mapping."""


class _Loader(yaml.SafeLoader):
    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        """Keys that come by `<<` are not here yet: the mapping's own may override them."""
        node: yaml.MappingNode = super().compose_mapping_node(anchor)
        lines: dict[Any, int] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag == "tag:yaml.org,2002:merge":
                continue
            name, line = self.construct_object(key), key.start_mark.line + 1
            if name in lines:
                raise _Twice(f"line {line}: the key {key.value!r} was there already in line {lines[name]}; keep one")
            lines[name] = line
        return node


def read_yaml(path: Path) -> Any:
    """What is in the file. Raises ValueError naming it, and the line where that is known."""
    try:
        return parse_yaml(path.read_text(encoding="utf-8"), str(path))
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: not UTF-8 ({error})") from error


def parse_yaml(text: str, source: str) -> Any:
    """Raises ValueError naming the source, and the line where that is known."""
    try:
        return yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader
    except _Twice as error:
        raise ValueError(f"{source}: {error}") from error
    except yaml.YAMLError as error:
        raise ValueError(f"{source}: not YAML ({error})") from error

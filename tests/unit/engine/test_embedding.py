"""Embedding by an engine: what happens before it starts."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from fsa_ray.engine import embedding
from fsa_ray.engine.embedding import embed
from fsa_ray.engine.placement import EnginePlacement
from fsa_ray.engine.session import Session


def test_engines_that_hold_the_room_are_stopped_before_it_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "modules.json").write_text(json.dumps([{"type": "x.Pooling", "path": "1_Pooling"}]))
    done: list[str] = []

    def require_room(*_: Any) -> None:
        done.append("waited")
        raise ValueError("full")

    session = SimpleNamespace(start_ray=lambda: None, require_room=require_room, release=lambda: done.append("stopped"))
    monkeypatch.setattr(embedding.ray, "available_resources", dict)
    with pytest.raises(ValueError, match="full"):
        embed(["a text"], tmp_path, cast(Session, session), EnginePlacement())
    assert done == ["stopped", "waited"]

"""The spec that `fsa-ray init` writes: a document rendered as YAML, with the field descriptions as comments."""

import json
from typing import Any, get_args

import yaml
from pydantic import BaseModel

from fsa_ray.recipes.spec import Spec

STARTER: dict[str, Any] = {
    "name": "my-reviews",
    "recipe": "distil",
    "corpus": {"path": "reviews.jsonl", "text_column": "text", "limit": 50_000, "mask": True},
    "teacher": {
        "model": "Qwen/Qwen3-32B",
        "revision": "put the commit of the hub repository here",
        "prompts": ["analysis", "rewriting"],
        "style": "json",
        "temperature": 0.0,
        "max_tokens": 768,
        "max_length": 4096,
    },
    "score": {"model": "student"},
    "select": {"rate": 0.5, "peak": 1.0},
    "student": {
        "model": "Qwen/Qwen3-1.7B",
        "revision": "put the commit of the hub repository here",
        "sequence_length": 2048,
    },
    "train": {"epochs": 3, "global_batch": 64, "learning_rate": 2e-5, "warmup_ratio": 0.03},
    "evaluate": {"data": None, "tasks": []},
    "budget": {"tokens": 50_000_000},
}


def render(document: dict[str, Any], about: str) -> str:
    """`document` as YAML, each key with its description behind it or above it."""
    advice = "fsa-ray plan SPEC says what it would do, fsa-ray run SPEC --limit 20 is a pilot on 20 reviews."
    head = f"# {about}\n# {advice}\n"
    return head + "\n".join(_lines(document, Spec, 0)) + "\n"


def _lines(document: dict[str, Any], model: type[BaseModel] | None, depth: int) -> list[str]:
    lines: list[str] = []
    indent = "  " * depth
    for key, value in document.items():
        field = model.model_fields.get(key) if model is not None else None
        about = field.description if field is not None else None
        section = _section(field.annotation) if field is not None else None
        if isinstance(value, dict) and value:
            lines.extend([""] if depth == 0 else [])
            doc = (section.__doc__ or "").split("\n")[0] if section is not None else ""
            lines.append(f"{indent}{key}:" + (f"  # {about or doc}" if about or doc else ""))
            lines.extend(_lines(value, section, depth + 1))
        else:
            lines.append(f"{indent}{key}: {_scalar(value)}" + (f"  # {about}" if about else ""))
    return lines


def _section(annotation: Any) -> type[BaseModel] | None:
    candidates = (annotation, *get_args(annotation))
    return next((c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)), None)


def _scalar(value: Any) -> str:
    if isinstance(value, list | dict):
        return json.dumps(value)
    return yaml.safe_dump(value, default_flow_style=True, width=1000).removesuffix("\n").removesuffix("\n...")

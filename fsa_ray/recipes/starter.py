"""The spec that `fsa-ray init` writes: a document rendered as YAML, with the field descriptions as comments."""

import json
from typing import Any

import yaml
from pydantic import BaseModel

from fsa_ray.evaluation.fsa import SEEDS
from fsa_ray.recipes.keys import first_line, section_of
from fsa_ray.recipes.spec import Spec

SENTIBENCH = [
    "imdb", "yelp2", "sst2", "twitter", "irony18", "tweeteval", "pstance", "intimacy",
    "atsa_rest16", "acsa_rest16", "asqp_rest16", "opener",
]  # fmt: skip

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
    "budget": {"tokens": 100_000_000},
}

COMPEFFDIST: dict[str, Any] = {
    "name": "compeffdist-70b",
    "recipe": "compeffdist",
    "corpus": {"path": "reviews", "limit": 100_000},
    "instructions": {"reviews": 20_000, "min_mentions": 11, "repetitions": 16},
    "records": {"count": 100_000, "shots": 3},
    "teacher": {
        "model": "meta-llama/Llama-3.1-70B-Instruct",
        "revision": "put the commit of the hub repository here",
        "temperature": 0.0,
        "max_tokens": 768,
        "max_length": 8192,
    },
    "score": {"model": "student"},
    "select": {"rate": 0.5, "peak": 1.0},
    "student": {
        "model": "meta-llama/Llama-3.2-3B-Instruct",
        "revision": "put the commit of the hub repository here",
        "sequence_length": 2048,
    },
    "train": {"epochs": 4, "global_batch": 128, "learning_rate": 5e-5, "weight_decay": 0.1, "betas": [0.9, 0.999]},
    "evaluate": {"data": None, "tasks": [], "shots": 4, "seeds": [42, 52, 62]},
    "budget": {"tokens": 500_000_000},
}

FSA: dict[str, Any] = {
    "name": "fsa-mixtral",
    "recipe": "fsa",
    "corpus": {"path": "reviews", "limit": 1_000_000},
    "teacher": {
        "model": "mistralai/Mixtral-8x7B-Instruct-v0.1",
        "revision": "put the commit of the hub repository here",
        "prompts": ["interpretation", "rewriting"],
        "max_tokens": 768,
        "max_length": 4096,
    },
    "select": {"rate": 1.0},
    "student": {
        "model": "google-t5/t5-base",
        "revision": "put the commit of the hub repository here",
        "source_length": 128,
        "target_length": 400,
    },
    "prompting": "bare",
    "train": {
        "max_steps": 200_000,
        "global_batch": 100,
        "learning_rate": 3e-3,
        "min_lr_ratio": 0.00333,
        "weight_decay": 0.0,
        "epsilon": 1e-6,
        "optimizer": "rms_adamw",
        "checkpoint_every": 2000,
    },
    "finetune": {
        "share": 1.0,
        "train": {
            "epochs": 20,
            "global_batch": 16,
            "learning_rate": 3e-4,
            "schedule": "linear",
            "weight_decay": 0.01,
            "epsilon": 1e-6,
            "watch": {"every": 150},
        },
    },
    "evaluate": {"data": "fsa", "tasks": ["fsa_atsa_rest14"]},
    "zero_shot": {"data": "sentibench", "tasks": ["sst2", "twitter"]},
    "budget": {"tokens": 1_800_000_000},
    "grid": {
        "pre-training": {"with": {"phases": "both"}, "without": {"phases": "finetuning"}},
        "finetune.train.seed": list(SEEDS),
    },
}

TARGETED: dict[str, Any] = {
    "name": "targeted-70b",
    "recipe": "targeted",
    "corpus": {"path": "reviews", "limit": 100_000},
    "teacher": {
        "model": "meta-llama/Meta-Llama-3-70B-Instruct",
        "revision": "put the commit of the hub repository here",
        "prompts": ["analysis", "rewriting", "emotion", "intent", "rhetoric", "background", "aspects"],
        "weigh_labels": True,
        "max_tokens": 768,
        "max_length": 8192,
    },
    "select": {"rate": 1.0},
    "student": {
        "model": "meta-llama/Llama-3.2-1B-Instruct",
        "revision": "put the commit of the hub repository here",
        "sequence_length": 2048,
    },
    "train": {
        "epochs": 2,
        "global_batch": 64,
        "learning_rate": 2e-5,
        "warmup_ratio": 0.03,
        "soft_labels": {"weight": 0.1},
    },
    "alignment": {
        "count": 100_000,
        "shots": 8,
        "benchmark": "sentibench",
        "samples": 1,
        "train": {
            "epochs": 2,
            "global_batch": 64,
            "learning_rate": 1e-5,
            "warmup_ratio": 0.03,
            "soft_labels": {"weight": 0.1},
        },
    },
    "phases": "both",
    "evaluate": {"data": "sentibench", "tasks": SENTIBENCH, "shots": 4, "seeds": [42, 52, 62]},
    "budget": {"tokens": 1_500_000_000},
    "grid": {
        "student": {
            name: {"student.model": model, "student.revision": "put the commit of the hub repository here"}
            for name, model in {
                "llama-1b": "meta-llama/Llama-3.2-1B-Instruct",
                "llama-3b": "meta-llama/Llama-3.2-3B-Instruct",
                "qwen-1.5b": "Qwen/Qwen2.5-1.5B-Instruct",
            }.items()
        }
    },
}

JOINT: dict[str, Any] = {
    **{key: TARGETED[key] for key in ("corpus", "teacher", "student", "train", "alignment", "phases", "evaluate")},
    "name": "joint-70b",
    "recipe": "joint",
    "instructions": COMPEFFDIST["instructions"],
    "records": COMPEFFDIST["records"],
    "score": {"model": "student"},
    "select": {"rate": 0.5, "peak": 1.0},
    "budget": {"tokens": 2_000_000_000},
}


ABOUT_COMPEFFDIST = """instructions made from attributes, data chosen by difficulty
From the paper's code: student, epochs, global_batch (2 GPUs x 8 rows x 8 micro-batches), learning_rate,
weight_decay, betas, no warm-up, sequence_length, min_mentions, repetitions, rate, evaluate.shots and seeds.
Ours: all else."""

ABOUT_FSA = """an encoder-decoder pre-trained on interpretations, fine-tuned on labels
From the paper's code: corpus.limit (2 answers to each of 1,000,000 reviews), student with its lengths,
prompting, all of `train` but checkpoint_every, all of `finetune.train` but watch (theirs looks at the dev F1
after each epoch, ours at the dev loss), and its ten seeds. Ours: teacher.max_tokens and max_length,
zero_shot, budget."""

_SOFT = """The soft labels and their weight are ours, untested at this size; 0.5 was too much for a small student
(benchmarks/results/soft-labels.md)."""

_OTHER = """The paper is said to mix general tasks in. For that, give a file of them (JSON lines, or a task file of
Super-NaturalInstructions) and a share, which is ours, in section alignment:
  other: other-tasks.jsonl
  other_share: 0.1"""

ABOUT_TARGETED = f"""first knowledge about reviews, then alignment with tasks
From the paper and its repository: teacher, students, two phases, evaluate.shots and seeds. All other values are
ours: the paper's perspectives, sizes, learning rates and epochs are not published.
{_SOFT}
{_OTHER}"""

ABOUT_JOINT = f"""the three papers together
instructions, records and select as in CompEffDist, the rest as in Targeted Distillation. That they go together,
and all values of train and alignment, are ours.
{_SOFT}
{_OTHER}"""


def render(document: dict[str, Any], about: str, spec: type[Spec] = Spec) -> str:
    """`document` as YAML, each key with its description behind it or above it. `about` may have several lines."""
    advice = "fsa-ray plan SPEC says what it would do, fsa-ray run SPEC --limit 20 is a pilot on 20 reviews."
    head = "".join(f"# {line}\n" for line in (*about.splitlines(), advice))
    return head + "\n".join(_lines(document, spec, 0)) + "\n"


def _lines(document: dict[str, Any], model: type[BaseModel] | None, depth: int) -> list[str]:
    lines: list[str] = []
    indent = "  " * depth
    for key, value in document.items():
        field = model.model_fields.get(key) if model is not None else None
        about = field.description if field is not None else None
        section = section_of(field.annotation) if field is not None else None
        if isinstance(value, dict) and value:
            lines.extend([""] if depth == 0 else [])
            doc = first_line(section) if section is not None else ""
            lines.append(f"{indent}{key}:" + (f"  # {about or doc}" if about or doc else ""))
            lines.extend(_lines(value, section, depth + 1))
        else:
            lines.append(f"{indent}{key}: {_scalar(value)}" + (f"  # {about}" if about else ""))
    return lines


def _scalar(value: Any) -> str:
    if isinstance(value, list | dict):
        return json.dumps(value)
    return yaml.safe_dump(value, default_flow_style=True, width=1000).removesuffix("\n").removesuffix("\n...")

"""The embedded default: everything that it needs, it makes."""

from typing import Any

_TEACHER = {
    "model_type": "qwen3",
    "hidden_size": 192,
    "intermediate_size": 512,
    "num_hidden_layers": 4,
    "num_attention_heads": 6,
    "num_key_value_heads": 3,
    "head_dim": 32,
    "max_position_embeddings": 512,
    "tie_word_embeddings": True,
}
_STUDENT = {
    **_TEACHER,
    "hidden_size": 128,
    "intermediate_size": 384,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
}

DEMO: dict[str, Any] = {
    "name": "demo",
    "recipe": "demo",
    "corpus": {"invented": 3000},
    "teacher": {
        "embedded": {
            "config": _TEACHER,
            "vocabulary": 1500,
            "sequence_length": 256,
            "invented": 6000,
            "train": {"max_steps": 500, "global_batch": 32, "learning_rate": 4e-3, "precision": "fp32"},
        },
        "style": "compact",
        "max_tokens": 96,
        "max_length": 512,
        "precision": "fp32",
    },
    "score": {"model": "gold", "max_length": 256},
    "select": {"rate": 0.8},
    "student": {"config": _STUDENT, "vocabulary": 1500, "sequence_length": 256},
    "train": {"max_steps": 500, "global_batch": 32, "learning_rate": 4e-3, "precision": "fp32"},
    "gold": {"labels": 150},
    "evaluate": {"invented": 500, "max_tokens": 96},
}

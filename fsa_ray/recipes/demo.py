"""The embedded default: everything that it needs, it makes."""

from typing import Any

# Heads of 64 and a wide initialisation: copying targets and evidence from the review is the hard part, and with
# narrower heads it is not learned in two minutes.
_TRAIN = {
    "global_batch": 8,
    "learning_rate": 8e-3,
    "min_lr_ratio": 0.05,
    "warmup_ratio": 0.05,
    "weight_decay": 0.05,
    "betas": [0.9, 0.98],
    "precision": "bf16",
}
_MODEL = {
    "model_type": "qwen3",
    "hidden_size": 128,
    "intermediate_size": 256,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 64,
    "rope_theta": 1_000_000.0,
    "initializer_range": 0.08,
    "tie_word_embeddings": True,
}

DEMO: dict[str, Any] = {
    "name": "demo",
    "recipe": "demo",
    "corpus": {"invented": 11_000},
    "teacher": {
        "embedded": {
            "config": _MODEL,
            "vocabulary": 3000,
            "sequence_length": 192,
            "invented": 16_000,
            "rewritings": 4000,
            "train": {"max_steps": 1500, **_TRAIN},
        },
        "rewriting_share": 0.1,
        "style": "compact",
        "max_tokens": 96,
        "max_length": 512,
        "precision": "fp32",
    },
    "parse": {"partial": "drop"},
    "score": {"model": "gold", "max_length": 256},
    "select": {"rate": 0.8},
    "student": {"config": _MODEL, "vocabulary": 3000, "sequence_length": 192},
    "train": {"max_steps": 1250, **_TRAIN},
    "gold": {"labels": 150},
    "evaluate": {"invented": 500, "max_tokens": 96},
}

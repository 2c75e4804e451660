"""Experiments on the embedded default: how much of the teacher's answers a student needs, chosen and told in which way.

All but the students is the demo's, and is shared with it under one root. Every student takes the same number of
steps: small shares are seen often (the smallest about 70 times, all the data 3.4 times), every cell costs the same, and
what differs is the data alone.
"""

from typing import Any

from fsa_ray.recipes.demo import DEMO

ABOUT = """how much data does a student need, and which? Five shares, three samplers, three trials: 39 students
Every student takes the same number of steps: at equal epochs a twentieth of the data would be 35 steps, in which random
weights learn nothing and the plot would show what steps are worth. Under the root of the demo its stages are reused."""

ABLATION: dict[str, Any] = {
    **DEMO,
    "name": "ablation",
    "recipe": "ablation",
    "train": {**DEMO["train"], "max_steps": 700},
    "grid": {
        "select.rate": [0.05, 0.1, 0.2, 0.5, 1.0],
        "sampler": {
            "random": {"select.mode": "random"},
            "ranking score": {"score.metric": "rank"},
            "perplexity": {"score.metric": "perplexity"},
        },
        "trial": [0, 1, 2],
    },
}

ABOUT_SOFT = """do the teacher's probabilities of the polarities help, and with how much data? 18 students
Hard labels against soft ones at a tenth, three tenths and all of the reviews, drawn at random, three trials; every
student takes the same number of steps. Under the root of the demo its stages are reused."""

SOFT_LABELS: dict[str, Any] = {
    **DEMO,
    "name": "soft-labels",
    "recipe": "soft-labels",
    "select": {"mode": "random"},
    "train": {**DEMO["train"], "max_steps": 700},
    "grid": {
        "select.rate": [0.1, 0.3, 1.0],
        "labels": {
            "hard": {"train.soft_labels": None},
            "soft": {"train.soft_labels": {"weight": 0.1}},
        },
        "trial": [0, 1, 2],
    },
}

"""The learning rate as a pure function of the step."""

import math

from fsa_ray.training.settings import TrainSettings


def learning_rate(settings: TrainSettings, step: int, steps: int) -> float:
    """Rate of `step` (0-based) of `steps`: linear warm-up, then a cosine or a line down to `min_lr_ratio` of the peak.

    No step has rate zero: the first warm-up step has a share of the peak, and the descent would end one step later.
    """
    warmup = int(settings.warmup_ratio * steps)
    if step < warmup:
        return settings.learning_rate * (step + 1) / warmup
    done = (step - warmup) / (steps - warmup)
    floor = settings.min_lr_ratio
    left = 1 - done if settings.schedule == "linear" else 0.5 * (1 + math.cos(math.pi * done))
    return settings.learning_rate * (floor + (1 - floor) * left)

"""Examples that are looked at and not trained on: when to stop, and which weights were the best."""

import re
from collections.abc import Collection, Sequence

import torch
from safetensors.torch import load, save

from fsa_ray.storage.folder import Folder
from fsa_ray.training.metrics import StepLine
from fsa_ray.training.settings import Watch

_NAME = re.compile(r"step-(\d{8})\.safetensors")


def best_step(lines: Sequence[StepLine]) -> int | None:
    """The step after which the watched loss was lowest, the earliest of equals; None before the first look."""
    looks = [(line.dev_loss, line.step) for line in lines if line.dev_loss is not None]
    return min(looks)[1] if looks else None


def is_over(lines: Sequence[StepLine], watch: Watch | None) -> bool:
    """Whether patience has run out: so many looks since the best one."""
    if watch is None or watch.patience is None:
        return False
    best = best_step(lines)
    return best is not None and sum(line.dev_loss is not None for line in lines[best:]) >= watch.patience


class BestWeights:
    """The weights that did best, in a folder that survives attempts. Only rank 0 keeps them."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder

    @classmethod
    def beside(cls, progress: Folder) -> "BestWeights":
        return cls(progress / "best")

    def keep(self, step: int, weights: dict[str, torch.Tensor]) -> None:
        """Those of other steps stay until they are forgotten: a resumed run may have to go back to one."""
        self._folder.put(_name(step), save({name: value.contiguous() for name, value in weights.items()}))

    def forget(self, *, until: int, but: Collection[int | None]) -> None:
        """Removes those of the steps up to `until`, apart from the steps `but`."""
        for name in self._folder.names():
            match = _NAME.fullmatch(name)
            if match and int(match[1]) <= until and int(match[1]) not in but:
                self._folder.remove(name)

    def take(self, step: int) -> dict[str, torch.Tensor]:
        return dict(load(self._folder.get(_name(step))))


def _name(step: int) -> str:
    return f"step-{step:08d}.safetensors"

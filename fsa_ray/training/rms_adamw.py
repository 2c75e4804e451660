"""AdamW whose step is in proportion to the size of each tensor (FSA-Distillation, as in nanoT5).

theta <- theta - lr * max(1e-3, RMS(theta)) * m / (sqrt(v) + eps) - lr * weight_decay * theta, where m and v are
Adam's bias-corrected moments and RMS is taken over the whole tensor, before the step.
"""

from collections.abc import Callable, Iterable
from typing import Any

import torch
import torch.distributed as dist

LEAST_RMS = 1e-3


def tensor_groups(parameters: Iterable[torch.nn.Parameter]) -> list[dict[str, Any]]:
    """A group for each tensor, with its number of values: so that a ZeRO partition never spans two tensors."""
    return [{"params": [parameter], "values": parameter.numel()} for parameter in parameters]


class RmsAdamW(torch.optim.Optimizer):  # type: ignore[misc]
    """Over the groups of `tensor_groups`.

    DeepSpeed may hand it a flat partition of each tensor instead of the tensor, the last one filled up with zeros: the
    sums of squares are then added up over the workers, all in one message.
    """

    def __init__(
        self,
        groups: list[dict[str, Any]],
        *,
        lr: float,
        betas: tuple[float, float],
        eps: float,
        weight_decay: float,
    ) -> None:
        super().__init__(groups, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay})

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def step(self, closure: Callable[[], float] | None = None) -> None:
        assert closure is None
        for group, size in zip(self.param_groups, self._rms(), strict=True):
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._update(parameter, group, size)

    def _rms(self) -> torch.Tensor:
        """Of each group's whole tensor, float32 [groups]. Under ZeRO-3 all groups but one are empty at a time."""
        held = [[part.detach().float() for part in group["params"]] for group in self.param_groups]
        nothing = next(part for parts in held for part in parts).new_zeros(())
        squares = torch.stack([sum((part.square().sum() for part in parts), nothing) for parts in held])
        values = torch.tensor([group["values"] for group in self.param_groups], device=squares.device)
        mine = torch.tensor([sum(part.numel() for part in parts) for parts in held], device=squares.device)
        if dist.is_initialized() and bool((mine != values).any()):
            dist.all_reduce(squares)
        return (squares / values).sqrt()

    def _update(self, parameter: torch.Tensor, group: dict[str, Any], size: torch.Tensor) -> None:
        state = self.state[parameter]
        if not state:
            state["step"] = 0
            state["exp_avg"] = torch.zeros_like(parameter)
            state["exp_avg_sq"] = torch.zeros_like(parameter)
        state["step"] += 1
        first, second = group["betas"]
        gradient, moment, square = parameter.grad, state["exp_avg"], state["exp_avg_sq"]
        moment.lerp_(gradient, 1 - first)
        square.mul_(second).addcmul_(gradient, gradient, value=1 - second)
        deviation = (square / (1 - second ** state["step"])).sqrt_().add_(group["eps"])
        parameter.mul_(1 - group["lr"] * group["weight_decay"])
        rate = group["lr"] / (1 - first ** state["step"]) * size.clamp(min=LEAST_RMS)
        parameter.sub_(moment / deviation * rate)

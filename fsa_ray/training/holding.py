"""What one worker keeps for the optimiser, under any ZeRO stage, by parameter.

DeepSpeed keeps fp32 weights and the optimiser's moments in flat tensors, cut for the number of workers. Its names for
them are only known here; that they lie as expected is checked against the model's values at each start.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from fsa_ray.training.fragments import Fragment, common, gaps, joined, shared, sliced
from fsa_ray.training.rms_adamw import RmsAdamW

Tensors = dict[str, Tensor]

_COUNT = "step"  # the one state of an optimiser that is not a value for each of the parameter's

_SAMPLES = 64  # values of each parameter by which the layout is checked

_LAYOUTS = {
    "DeepSpeedZeroOptimizer": ("round_robin_bit16_groups", "single_partition_of_fp32_groups"),
    "BF16_Optimizer": ("bf16_groups", "fp32_groups_flat_partition"),
    "DeepSpeedZeroOptimizer_Stage3": ("fp16_groups", "fp32_partitioned_groups_flat"),
    "FP16_UnfusedOptimizer": ("fp16_groups", "fp32_groups"),
}
"""DeepSpeed's wrapper of an optimiser: its groups of parameters, and the fp32 tensors that belong to them."""

_WHOLE = frozenset({"FP16_UnfusedOptimizer", "AdamW", "RmsAdamW"})
"""Under stage 0 every worker has all tensors, and AdamW bare in fp32."""


@dataclass(frozen=True)
class Holding:
    """`held`: all that this worker has. `owned`: what it writes into a checkpoint; no other worker writes the same."""

    flats: list[Tensor]  # fp32, one-dimensional; changing them changes the optimiser's own
    keys: list[Tensor]  # the same, as the optimiser knows them
    optimizer: Any
    held: list[Fragment]
    owned: list[Fragment]

    def weights(self) -> Tensors:
        """Parameter to its values, of `owned`; on the CPU."""
        return {f.name: _copy(self.flats[f.flat], f) for f in self.owned}

    def moments(self) -> Tensors:
        """By "state/parameter": the values of the optimiser's states, of `owned`, and its count of steps. Empty before
        the first step."""
        found: Tensors = {}
        for fragment in self.owned:
            for state, value in self.optimizer.state.get(self.keys[fragment.flat], {}).items():
                found[f"{state}/{fragment.name}"] = (
                    torch.tensor(float(value)) if state == _COUNT else _copy(value.view(-1), fragment)
                )
        return found

    def shares(self, pieces: Mapping[str, tuple[int, int]]) -> bool:
        """Whether any of the values `pieces` (start, count) are held here."""
        return any(common(f, *pieces[f.name]) is not None for f in self.held if f.name in pieces)

    def take(self, pieces: Mapping[str, tuple[int, int]], weights: Tensors, moments: Tensors) -> None:
        """Puts what another holding gave, of values `pieces` (start, count), where this one has the same values."""
        states = {key.partition("/")[0] for key in moments}
        for fragment in self.held:
            places = common(fragment, *pieces[fragment.name]) if fragment.name in pieces else None
            if places is None:
                continue
            mine, theirs = places
            flat = self.flats[fragment.flat]
            flat[mine] = weights[fragment.name][theirs].to(flat.device)
            for state in states:
                given = moments.get(f"{state}/{fragment.name}")
                if given is not None and state == _COUNT:
                    self._count(fragment.flat, float(given))
                elif given is not None:
                    self._state(fragment.flat, state).view(-1)[mine] = given[theirs].to(flat.device)

    def check(self, expected: Mapping[str, tuple[Tensor, Tensor]]) -> None:
        """Raises RuntimeError if the flat tensors do not hold the values of `samples`, taken before DeepSpeed."""
        held = {fragment.name for fragment in self.held}
        assert held <= set(expected), f"nothing is known of {held - set(expected)}"
        for fragment in self.held:
            places, values = expected[fragment.name]
            inside = (places >= fragment.start) & (places < fragment.start + fragment.count)
            flat = self.flats[fragment.flat]
            found = flat[(places[inside] - fragment.start + fragment.offset).to(flat.device)]
            if not torch.equal(found.cpu(), values[inside]):
                raise RuntimeError(
                    f"{fragment.name} does not lie where it is expected among DeepSpeed's fp32 weights; "
                    "fsa_ray/training/holding.py does not know this version of it"
                )

    def _state(self, flat: int, state: str) -> Tensor:
        kept: dict[str, Any] = self.optimizer.state[self.keys[flat]]
        if state not in kept:
            kept[state] = torch.zeros_like(self.keys[flat])
        value: Tensor = kept[state]
        return value

    def _count(self, flat: int, steps: float) -> None:
        """The count is of a whole flat tensor here, and of one parameter where it comes from."""
        kept: dict[str, Any] = self.optimizer.state[self.keys[flat]]
        steps = max(steps, float(kept.get(_COUNT, 0)))
        device = self.flats[flat].device
        kept[_COUNT] = int(steps) if isinstance(self.optimizer, RmsAdamW) else torch.tensor(steps, device=device)


def trained(module: nn.Module) -> Iterator[tuple[str, nn.Parameter]]:
    """Tied parameters once."""
    return ((name, value) for name, value in module.named_parameters() if value.requires_grad)


def samples(module: nn.Module) -> dict[str, tuple[Tensor, Tensor]]:
    """Some values of each trained parameter, as places among its values and fp32 values. Before DeepSpeed's engine."""
    found: dict[str, tuple[Tensor, Tensor]] = {}
    for name, parameter in trained(module):
        places = torch.linspace(0, parameter.numel() - 1, min(_SAMPLES, parameter.numel()), dtype=torch.float64).long()
        found[name] = (places, parameter.detach().reshape(-1)[places].float())
    return found


def holding(engine: Any) -> Holding:
    """Of DeepSpeed's engine. Filling is set to zero: DeepSpeed leaves some of it as memory was."""
    wrapper, workers, rank = engine.optimizer, dist.get_world_size(), dist.get_rank()
    kind = type(wrapper).__name__
    names = {id(parameter): name for name, parameter in engine.module.named_parameters()}
    groups, kept = _groups(wrapper, kind)
    sizes = [{names[id(p)]: int(getattr(p, "ds_numel", p.numel())) for p in group} for group in groups]
    held: list[Fragment] = []
    for flat, (group, tensor) in enumerate(zip(sizes, kept, strict=True)):
        if kind == "DeepSpeedZeroOptimizer_Stage3":
            held += sliced(group, flat=flat, workers=workers, rank=rank)
        else:
            partitions = 1 if kind in _WHOLE else workers
            assert sum(group.values()) <= tensor.numel() * partitions, f"group {flat} is cut otherwise than expected"
            held += joined(group, flat=flat, partition=tensor.numel(), rank=0 if kind in _WHOLE else rank)
    flats = [tensor.detach().view(-1) for tensor in kept]
    assert all(flat.dtype == torch.float32 for flat in flats), "the optimiser's weights are not fp32"
    for number, flat in enumerate(flats):
        for gap in gaps([fragment for fragment in held if fragment.flat == number], flat.numel()):
            flat[gap] = 0
    owned = shared(held, workers=workers, rank=rank) if kind in _WHOLE else held
    return Holding(flats, kept, engine.basic_optimizer, held, owned)


def _groups(wrapper: Any, kind: str) -> tuple[list[list[nn.Parameter]], list[Tensor]]:
    """Groups of parameters, and the fp32 tensor of each."""
    if kind not in _LAYOUTS:
        assert kind in _WHOLE, f"DeepSpeed wraps the optimiser in {kind}, of which nothing is known here"
        single = [parameter for group in wrapper.param_groups for parameter in group["params"]]
        return [[parameter] for parameter in single], single
    groups, kept = (getattr(wrapper, attribute) for attribute in _LAYOUTS[kind])
    if kind in _WHOLE:
        groups, kept = [[p] for group in groups for p in group], [tensor for group in kept for tensor in group]
    return groups, kept


def _copy(flat: Tensor, fragment: Fragment) -> Tensor:
    return flat[fragment.offset : fragment.offset + fragment.count].detach().to("cpu", torch.float32, copy=True)

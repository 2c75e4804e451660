"""What is written for one layout is put into another: weights, moments and the count of steps."""

from types import SimpleNamespace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fsa_ray.training.fragments import joined, shared, sliced
from fsa_ray.training.holding import Holding, samples
from fsa_ray.training.rms_adamw import RmsAdamW

SIZES = {"a": 7, "b": 12, "c": 1}
LAYOUTS = ["joined", "sliced", "whole"]


def empty(layout: str, workers: int, rank: int, optimizer: type = torch.optim.AdamW) -> Holding:
    """As after the start of DeepSpeed's engine: zeros, no state."""
    if layout == "joined":
        partition = -(-sum(SIZES.values()) // workers)
        held = joined(SIZES, flat=0, partition=partition, rank=rank)
        flats = [torch.zeros(partition)]
    elif layout == "sliced":
        held = sliced(SIZES, flat=0, workers=workers, rank=rank)
        flats = [torch.zeros(sum(-(-size // workers) for size in SIZES.values()))]
    else:
        flats = [torch.zeros(size) for size in SIZES.values()]
        held = [
            f
            for i, (name, size) in enumerate(SIZES.items())
            for f in joined({name: size}, flat=i, partition=size, rank=0)
        ]
    owned = shared(held, workers=workers, rank=rank) if layout == "whole" else held
    fields = {"values": 1} if optimizer is RmsAdamW else {}
    groups = [{"params": [flat], **fields} for flat in flats]
    return Holding(flats, flats, optimizer(groups, lr=0.1, betas=(0.9, 0.99), eps=1e-8, weight_decay=0.0), held, owned)


def trained(layout: str, workers: int, rank: int, optimizer: type = torch.optim.AdamW) -> Holding:
    """After three steps: each value has a number of its own, and so has each moment."""
    found = empty(layout, workers, rank, optimizer)
    for number, flat in enumerate(found.flats):
        state = {"step": 3 if optimizer is RmsAdamW else torch.tensor(3.0)}
        state |= {"exp_avg": torch.zeros_like(flat), "exp_avg_sq": torch.zeros_like(flat)}
        found.optimizer.state[flat] = state
        for f in (f for f in found.held if f.flat == number):
            values = value_of(f.name)[f.start : f.start + f.count]
            for tensor, factor in ((flat, 1), (state["exp_avg"], 10), (state["exp_avg_sq"], 100)):
                tensor[f.offset : f.offset + f.count] = values * factor
    return found


def value_of(name: str) -> torch.Tensor:
    return torch.arange(SIZES[name], dtype=torch.float32) + 1 + 20 * list(SIZES).index(name)


def write(holding: Holding) -> tuple[dict, dict, dict]:
    return {f.name: (f.start, f.count) for f in holding.owned}, holding.weights(), holding.moments()


@given(st.sampled_from(LAYOUTS), st.sampled_from(LAYOUTS), st.integers(1, 4), st.integers(1, 4))
def test_any_layout_takes_what_any_other_wrote(before, after, n, m):
    parts = [write(trained(before, n, rank)) for rank in range(n)]
    for rank in range(m):
        found, expected = empty(after, m, rank), trained(after, m, rank)
        for part in parts:
            assert found.shares(part[0]) or not set(part[0]) & {f.name for f in found.held} or after != "whole"
            found.take(*part)
        for mine, theirs in zip(found.flats, expected.flats, strict=True):
            assert torch.equal(mine, theirs)
            state, wanted = found.optimizer.state[mine], expected.optimizer.state[theirs]
            if not [f for f in found.held if found.flats[f.flat] is mine]:
                continue
            assert set(state) == {"step", "exp_avg", "exp_avg_sq"}
            for key in state:
                assert torch.equal(state[key], wanted[key]), key


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_optimiser_steps_on_as_if_nothing_had_happened(layout):
    for optimizer in (torch.optim.AdamW, RmsAdamW):
        old, new = trained(layout, 1, 0, optimizer), empty(layout, 1, 0, optimizer)
        new.take(*write(old))
        for each in (old, new):
            for flat in each.flats:
                flat.grad = torch.linspace(-1, 1, len(flat))
            each.optimizer.step()
        for mine, theirs in zip(new.flats, old.flats, strict=True):
            assert torch.equal(mine, theirs)


def test_before_the_first_step_there_are_no_moments():
    assert empty("joined", 2, 0).moments() == {}
    found = empty("joined", 1, 0)
    found.take(*write(empty("joined", 1, 0)))
    assert not found.optimizer.state


def test_another_layout_than_expected_is_noticed():
    torch.manual_seed(0)
    module = torch.nn.ParameterDict({name: torch.nn.Parameter(torch.randn(size)) for name, size in SIZES.items()})
    expected = samples(module)
    right = torch.cat([module[name].detach() for name in SIZES])
    held = joined(SIZES, flat=0, partition=20, rank=0)
    Holding([right], [right], SimpleNamespace(state={}), held, held).check(expected)
    wrong = torch.cat([module[name].detach() for name in reversed(SIZES)])
    with pytest.raises(RuntimeError, match="does not lie where it is expected"):
        Holding([wrong], [wrong], SimpleNamespace(state={}), held, held).check(expected)

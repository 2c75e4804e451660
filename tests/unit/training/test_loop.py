"""What ends a training."""

import math

import pytest

from fsa_ray.training.loop import not_finite
from fsa_ray.training.metrics import StepLine


def line(**changes) -> StepLine:
    fields = {"step": 7, "loss": 1.0, "lr": 1e-3, "answer_tokens": 5, "tokens": 9, "grad_norm": 2.0, "seconds": 0.1}
    return StepLine(**{**fields, "label_loss": None, **changes})


def test_a_step_of_numbers_is_fine():
    assert not_finite(line()) is None
    assert not_finite(line(grad_norm=None, label_loss=0.0)) is None


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"loss": math.nan}, "the loss is nan at step 7"),
        ({"label_loss": math.inf}, "the loss on soft labels is inf"),
        ({"grad_norm": math.inf}, "the gradient's norm is inf"),
        ({"grad_norm": -1.0}, "the gradient's norm is inf"),
    ],
)
def test_what_is_no_number_is_named(changes, told):
    assert told in (not_finite(line(**changes)) or "")

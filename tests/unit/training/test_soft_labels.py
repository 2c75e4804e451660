import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from fsa_ray.training.answer_loss import SoftBatch, label_divergence  # noqa: E402
from fsa_ray.training.settings import SoftLabels  # noqa: E402
from fsa_ray.training.soft_targets import NOTHING, label_words  # noqa: E402


def soft(logprobs, tokens) -> SoftBatch:
    return SoftBatch(torch.arange(len(tokens)), torch.tensor(tokens), torch.tensor(logprobs))


def test_a_teacher_that_is_the_student_has_no_divergence():
    """Whatever mass lies outside of the label words, and however many rows the embedding is padded to."""
    logits = torch.randn(5, 151_936, generator=torch.Generator().manual_seed(1)) * 4
    padded = torch.cat([logits, torch.full((5, 128), 7.0)], dim=1)
    tokens = [[3, 90_001, 151_935]] * 5
    told = padded.log_softmax(-1).gather(1, torch.tensor(tokens)).tolist()
    for divergence in ("forward", "reverse"):
        found = label_divergence(logits, soft(told, tokens), SoftLabels(divergence=divergence))
        assert abs(found.item()) < 1e-5


def test_divergences_are_those_of_the_definition():
    teacher, student = np.array([0.7, 0.2, 0.1]), np.array([0.25, 0.25, 0.5])
    logits = torch.full((1, 10), 9.0)
    logits[0, [4, 2, 7]] = torch.tensor(np.log(student) * 2 + 1, dtype=torch.float32)
    batch = soft([np.log(teacher).tolist()], [[4, 2, 7]])
    forward = label_divergence(logits, batch, SoftLabels(temperature=2.0))
    assert forward.item() == pytest.approx(float(np.sum(teacher * np.log(teacher / student))), abs=1e-6)
    reverse = label_divergence(logits, batch, SoftLabels(temperature=2.0, divergence="reverse"))
    assert reverse.item() == pytest.approx(float(np.sum(student * np.log(student / teacher))), abs=1e-6)


def test_fewer_words_and_certain_teachers_are_counted_right():
    logits = torch.zeros(2, 10, requires_grad=True)
    batch = soft([[0.0, -math.inf, -math.inf], [math.log(0.5), math.log(0.5), -math.inf]], [[1, 2, 3], [1, 2, NOTHING]])
    found = label_divergence(logits, batch, SoftLabels())
    found.backward()
    assert found.item() == pytest.approx(math.log(3), abs=1e-6)
    assert torch.isfinite(logits.grad).all()
    assert not logits.grad[1].abs().sum()


def test_words_that_begin_alike_are_one():
    words = label_words([5, 8, 5], [math.log(0.1), math.log(0.6), math.log(0.3)])
    assert words is not None and words.tokens == (5, 8)
    assert np.exp(words.logprobs).tolist() == pytest.approx([0.4, 0.6])
    assert label_words([5, 5], [-1.0, -1.0]) is None

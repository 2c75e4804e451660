"""What an answer costs: cross-entropy of its tokens, without ever holding all logits, and a divergence on labels."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.utils.checkpoint import checkpoint

from fsa_ray.training.settings import SoftLabels
from fsa_ray.training.soft_targets import NOTHING

CHUNK_LOGITS = 1 << 25
"""Logits computed at once (128 MiB in fp32). More would be faster only for tiny models."""

Head = Callable[[Tensor], Tensor]


def no_head(logits: Tensor) -> Tensor:
    """For states that are logits already."""
    return logits


@dataclass(frozen=True)
class SoftBatch:
    """Label words of the answers of a micro-batch.

    places [A]: index of the state that predicts the answer's first token, among all states of the micro-batch.
    tokens [A, K]: int64, filled up with NOTHING. logprobs [A, K]: the teacher's, of any total.
    """

    places: Tensor
    tokens: Tensor
    logprobs: Tensor


def text_loss(head: Head, states: Tensor, targets: Tensor, runs: int) -> Tensor:
    """Sum over the chosen tokens of their negative log-likelihood in nats (fp32).

    states [N, width], targets int64 [N]. The head runs `runs` times, whatever N: under ZeRO-3 every worker gathers
    its weight each time.
    """

    def part(some: Tensor, wanted: Tensor) -> Tensor:
        return cross_entropy(head(some).float(), wanted, reduction="sum")

    if runs == 1:
        return part(states, targets)
    parts = zip(states.tensor_split(runs), targets.tensor_split(runs), strict=True)
    return torch.stack([checkpoint(part, some, wanted, use_reentrant=False) for some, wanted in parts]).sum()


def label_divergence(logits: Tensor, soft: SoftBatch, settings: SoftLabels) -> Tensor:
    """Sum over answers of the divergence between teacher and student on the label words, in nats (fp32).

    logits [A, vocabulary] predict the first token of each answer. Both sides are normalised over the label words
    alone, so the sizes of vocabularies do not matter. The temperature divides the student's logits.
    """
    known = soft.tokens != NOTHING
    student = _normalised(logits.float().gather(1, soft.tokens.clamp(min=0)) / settings.temperature, known)
    teacher = _normalised(soft.logprobs.float(), known)
    if settings.divergence == "reverse":
        teacher, student = student, teacher
    # A word that one side rules out entirely has a probability of 0 there: 0 x log 0 is 0.
    terms = torch.where(teacher > -torch.inf, teacher.exp() * (teacher - student), 0.0)
    return torch.where(known, terms, 0.0).sum()


def _normalised(scores: Tensor, known: Tensor) -> Tensor:
    return torch.where(known, scores, -torch.inf).log_softmax(-1).masked_fill(~known, 0.0)

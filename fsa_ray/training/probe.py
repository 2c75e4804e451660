"""Looks at a loaded model from outside: do documents that share a row stay apart, and is its head a plain matrix?"""

import torch
from torch import Tensor

from fsa_ray.training.packed_lm import PackedLM
from fsa_ray.training.pair_lm import PairLM

_TOLERANCE = {torch.float32: 1e-4, torch.bfloat16: 0.1}
"""Largest difference against the model alone, in standard deviations of its logits."""


def probe(lm: PackedLM | PairLM, device: torch.device) -> None:
    """Learns what the loss must know of the model. Collective under ZeRO-3. ValueError for one that cannot be used."""
    if isinstance(lm, PairLM):
        find_scale(lm, device)
    else:
        check_isolation(lm, device)


def find_scale(lm: PairLM, device: torch.device) -> None:
    """What an encoder-decoder multiplies its states by before the head: 1, or T5's width to the power of -1/2 where
    embeddings are tied. Another head is run by the model itself, with all logits at once."""
    was_training = lm.training
    lm.eval()
    generator = torch.Generator().manual_seed(0)
    tokens, labels = (torch.randint(lm.vocabulary, (2, n), generator=generator).to(device) for n in (11, 7))
    mask, head = torch.ones_like(tokens), lm.model.get_output_embeddings()
    with torch.no_grad():
        logits = lm.logits(tokens, mask, labels)
        if head is not None:
            states = lm.states(tokens, mask, labels)
            shifts = {scale: _distance(head(states * scale), logits) for scale in (1.0, states.shape[-1] ** -0.5)}
            scale = min(shifts, key=lambda scale: shifts[scale])
            lm.scale = scale if shifts[scale] <= _TOLERANCE[logits.dtype] / 10 else None
    lm.train(was_training)


def check_isolation(lm: PackedLM, device: torch.device) -> None:
    """Refuses a model that lets one document of a packed row influence another. Collective under ZeRO-3.

    Two documents are packed into each of two rows; the second must give the logits that it gives alone, and must not
    notice when the first changes. ValueError otherwise (state-space and linear-attention models, mostly).
    Learns on the way whether the head is a plain matrix on the last hidden state.
    """
    was_training = lm.training
    lm.eval()
    with torch.no_grad():
        _check(lm, device)
    lm.train(was_training)


def _check(lm: PackedLM, device: torch.device) -> None:
    lengths, row_length = (11, 13), 24
    generator = torch.Generator().manual_seed(0)
    tokens = torch.randint(lm.vocabulary, (2, row_length), generator=generator)
    other = tokens.clone()
    begin = lengths[0]
    other[:, :begin] = (tokens[:, :begin] + 1 + torch.arange(begin)) % lm.vocabulary
    positions = torch.cat([torch.arange(n) for n in lengths]).repeat(2, 1)
    tokens, other, positions = tokens.to(device), other.to(device), positions.to(device)
    packed = lm.logits(tokens, positions)
    changed = lm.logits(other, positions)[:, begin:]
    alone = lm.logits(tokens[:, begin:].contiguous(), positions[:, begin:].contiguous())
    tolerance = _TOLERANCE[packed.dtype]
    leak, shift = _distance(changed, packed[:, begin:]), _distance(packed[:, begin:], alone)
    if not (leak <= tolerance / 10 and shift <= tolerance):  # also when they are not numbers
        raise ValueError(
            f"{type(lm.model).__name__} mixes documents that share a packed row (their logits move by {leak:.1g} "
            f"standard deviations with their neighbour, {shift:.1g} from what they are alone); choose a model with "
            "softmax attention only: state-space and linear-attention layers carry state across documents"
        )
    lm.plain_head = _head_is_plain(lm, tokens, positions, packed, tolerance)


def _head_is_plain(lm: PackedLM, tokens: Tensor, positions: Tensor, logits: Tensor, tolerance: float) -> bool:
    head = lm.model.get_output_embeddings()
    if head is None:
        return False
    return _distance(head(lm.hidden(tokens, positions)), logits) <= tolerance / 10


def _distance(a: Tensor, b: Tensor) -> float:
    a, b = a.float(), b.float()
    return float((a - b).abs().max() / b.std())

"""The loss of packed rows: cross-entropy of answer tokens, without ever holding all logits."""

import inspect
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.checkpoint import checkpoint

from fsa_ray.training.packing import IGNORE

_CHUNK_LOGITS = 1 << 25
"""Logits computed at once (128 MiB in fp32). More would be faster only for tiny models."""


class PackedLM(nn.Module):  # type: ignore[misc]
    """A causal LM over packed rows. Calling it gives the summed loss, so micro-batches simply add up."""

    def __init__(self, model: Any, chunk_logits: int = _CHUNK_LOGITS) -> None:
        super().__init__()
        if "position_ids" not in inspect.signature(model.base_model.forward).parameters:
            raise ValueError(
                f"{type(model).__name__} cannot be told where a document begins (it takes no position_ids), so its "
                "rows cannot be packed; choose a model with softmax attention and rotary or learned positions"
            )
        self.model = model
        self.vocabulary = int(model.config.get_text_config().vocab_size)
        self.chunk = max(1, chunk_logits // self.vocabulary)
        self.plain_head = False  # set once the probe has seen that logits are head(hidden)
        self.flatten = model.config._attn_implementation.startswith("flash")

    def forward(self, tokens: Tensor, labels: Tensor, positions: Tensor) -> Tensor:
        """Sum of the answer tokens' negative log-likelihoods in nats (fp32 scalar).

        tokens, labels and positions are int64 [rows, row_length]; labels are not shifted.
        """
        targets = labels[:, 1:].reshape(-1)
        chosen = torch.nonzero(targets != IGNORE).squeeze(1)
        if not self.plain_head:
            logits = self.logits(tokens, positions)[:, :-1].flatten(0, 1)
            return cross_entropy(logits[chosen].float(), targets[chosen], reduction="sum")
        hidden = self.hidden(tokens, positions)[:, :-1].flatten(0, 1)[chosen]
        # How often the head runs depends on shapes only: under ZeRO-3 every worker gathers its weight each time.
        runs = -(-targets.numel() // self.chunk)
        parts = zip(hidden.tensor_split(runs), targets[chosen].tensor_split(runs), strict=True)
        if runs == 1:
            return self._head_loss(hidden, targets[chosen])
        return torch.stack([checkpoint(self._head_loss, h, t, use_reentrant=False) for h, t in parts]).sum()

    def hidden(self, tokens: Tensor, positions: Tensor) -> Tensor:
        """Last hidden states [rows, row_length, width]. Without a cache and without an attention mask transformers
        separates documents where positions restart; flash kernels do so for a single row only."""
        shape = tokens.shape
        if self.flatten:
            tokens, positions = tokens.reshape(1, -1), positions.reshape(1, -1)
        out: Tensor = self.model.base_model(
            input_ids=tokens, position_ids=positions, attention_mask=None, use_cache=False
        ).last_hidden_state
        return out.reshape(*shape, -1)

    def logits(self, tokens: Tensor, positions: Tensor) -> Tensor:
        """All logits [rows, row_length, vocabulary]: for probes and for models whose head is more than a matrix."""
        shape = tokens.shape
        if self.flatten:
            tokens, positions = tokens.reshape(1, -1), positions.reshape(1, -1)
        out: Tensor = self.model(input_ids=tokens, position_ids=positions, attention_mask=None, use_cache=False).logits
        return out.reshape(*shape, -1)

    def _head_loss(self, hidden: Tensor, targets: Tensor) -> Tensor:
        logits = self.model.get_output_embeddings()(hidden)
        return cross_entropy(logits.float(), targets, reduction="sum")

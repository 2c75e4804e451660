"""A causal language model over packed rows."""

import inspect
from typing import Any

import torch
from torch import Tensor, nn

from fsa_ray.training.answer_loss import CHUNK_LOGITS, SoftBatch, label_divergence, no_head, text_loss
from fsa_ray.training.packing import IGNORE
from fsa_ray.training.settings import SoftLabels


class PackedLM(nn.Module):  # type: ignore[misc]
    """Calling it gives summed losses, so micro-batches simply add up."""

    def __init__(self, model: Any, soft: SoftLabels | None = None, chunk_logits: int = CHUNK_LOGITS) -> None:
        super().__init__()
        if "position_ids" not in inspect.signature(model.base_model.forward).parameters:
            raise ValueError(
                f"{type(model).__name__} cannot be told where a document begins (it takes no position_ids), so its "
                "rows cannot be packed; choose a model with softmax attention and rotary or learned positions"
            )
        self.model = model
        self.soft = soft
        self.vocabulary = int(model.config.get_text_config().vocab_size)
        self.chunk = max(1, chunk_logits // self.vocabulary)
        self.plain_head = False  # set once the probe has seen that logits are head(hidden)
        self.flatten = model.config._attn_implementation.startswith("flash")

    def forward(
        self, tokens: Tensor, labels: Tensor, positions: Tensor, soft: SoftBatch | None = None
    ) -> tuple[Tensor, Tensor]:
        """Sums in nats (fp32 scalars): negative log-likelihood of the answer tokens, divergence on the label words.

        tokens, labels and positions are int64 [rows, row_length]; labels are not shifted.
        """
        targets = labels[:, 1:].reshape(-1)
        chosen = torch.nonzero(targets != IGNORE).squeeze(1)
        if self.plain_head:
            states, head = self.hidden(tokens, positions), self.model.get_output_embeddings()
        else:
            states, head = self.logits(tokens, positions), no_head
        text = text_loss(
            head,
            states[:, :-1].flatten(0, 1)[chosen],
            targets[chosen],
            # How often the head runs depends on shapes only: under ZeRO-3 every worker gathers its weight each time.
            -(-targets.numel() // self.chunk) if self.plain_head else 1,
        )
        if self.soft is None:
            return text, text.new_zeros(())
        assert soft is not None
        return text, label_divergence(head(states.flatten(0, 1)[soft.places]), soft, self.soft)

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

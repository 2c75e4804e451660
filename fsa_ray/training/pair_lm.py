"""An encoder-decoder over pairs of texts."""

from typing import Any

import torch
from torch import Tensor, nn

from fsa_ray.training.answer_loss import CHUNK_LOGITS, SoftBatch, label_divergence, no_head, text_loss
from fsa_ray.training.packing import IGNORE
from fsa_ray.training.settings import SoftLabels


class PairLM(nn.Module):  # type: ignore[misc]
    """Calling it gives summed losses, as with PackedLM. Padding is masked in the encoder and has no part in a loss."""

    def __init__(self, model: Any, soft: SoftLabels | None = None, chunk_logits: int = CHUNK_LOGITS) -> None:
        super().__init__()
        self.model = model
        self.soft = soft
        self.vocabulary = int(model.config.get_text_config().vocab_size)
        self.chunk = max(1, chunk_logits // self.vocabulary)
        self.scale: float | None = None  # of states before the head, once `find_head` has seen that there is no more

    def forward(
        self, tokens: Tensor, mask: Tensor, labels: Tensor, soft: SoftBatch | None = None
    ) -> tuple[Tensor, Tensor]:
        """Sums in nats (fp32 scalars): negative log-likelihood of the answer tokens, divergence on the label words.

        tokens and mask are int64 [pairs, input length], labels int64 [pairs, target length] with IGNORE as padding.
        """
        targets = labels.reshape(-1)
        chosen = torch.nonzero(targets != IGNORE).squeeze(1)
        if self.scale is None:
            states, head = self.logits(tokens, mask, labels), no_head
        else:
            states, head = self.states(tokens, mask, labels) * self.scale, self.model.get_output_embeddings()
        flat = states.flatten(0, 1)
        runs = 1 if self.scale is None else -(-targets.numel() // self.chunk)
        text = text_loss(head, flat[chosen], targets[chosen], runs)
        if self.soft is None:
            return text, text.new_zeros(())
        assert soft is not None
        return text, label_divergence(head(flat[soft.places]), soft, self.soft)

    def states(self, tokens: Tensor, mask: Tensor, labels: Tensor) -> Tensor:
        """The decoder's last states [pairs, target length, width]; number t predicts label t."""
        read = self.model.get_encoder()(input_ids=tokens, attention_mask=mask).last_hidden_state
        out: Tensor = self.model.get_decoder()(
            input_ids=self.model.prepare_decoder_input_ids_from_labels(labels),
            encoder_hidden_states=read,
            encoder_attention_mask=mask,
            use_cache=False,
        ).last_hidden_state
        return out

    def logits(self, tokens: Tensor, mask: Tensor, labels: Tensor) -> Tensor:
        """All logits [pairs, target length, vocabulary]."""
        begun = self.model.prepare_decoder_input_ids_from_labels(labels)
        out: Tensor = self.model(input_ids=tokens, attention_mask=mask, decoder_input_ids=begun, use_cache=False).logits
        return out

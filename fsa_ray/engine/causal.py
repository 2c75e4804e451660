"""A causal language model that reads given answers: its logits at the steps that predict their tokens."""

import copy
import logging
from collections.abc import Iterator
from functools import cached_property
from typing import Any

import torch
from transformers import AutoModelForCausalLM

from fsa_ray.engine.pair import Pair

logger = logging.getLogger(__name__)


class CausalModel:
    """The model at `path` (a directory or hub id), read by teacher forcing. `threads` serve it on CPUs."""

    def __init__(self, path: str, *, dtype: str, gpu: bool, threads: int, trust_remote_code: bool) -> None:
        if not gpu:
            torch.set_num_threads(threads)
        model: Any = AutoModelForCausalLM.from_pretrained(
            path, dtype=getattr(torch, dtype), use_safetensors=True, trust_remote_code=trust_remote_code
        )
        self._model = model.eval().to("cuda" if gpu else "cpu")

    @torch.inference_mode()  # type: ignore[untyped-decorator]
    def answer_logits(self, pairs: list[Pair], logits_mib: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Logits (t, vocabulary) at the steps that predict the answers' tokens, and those tokens (t,), from one pass
        over all pairs, in parts of at most `logits_mib`. No other logits are computed where the model allows that.

        An answer needs at least one prompt token before it.
        """
        width = max(len(pair.ids) for pair in pairs)
        ids = torch.zeros((len(pairs), width), dtype=torch.int64)
        mask = torch.zeros_like(ids)
        wanted = torch.zeros_like(ids, dtype=torch.bool)  # one before the answer's tokens
        for row, pair in enumerate(pairs):
            ids[row, : len(pair.ids)] = torch.tensor(pair.ids)
            mask[row, : len(pair.ids)] = 1
            wanted[row, len(pair.ids) - pair.answer - 1 : len(pair.ids) - 1] = True
        device = self._model.device
        inputs = {"input_ids": ids.to(device), "attention_mask": mask.to(device), "use_cache": False}
        targets = ids.roll(-1, 1)[wanted].to(device)
        steps = max(1, (logits_mib << 20) // (4 * self._model.config.get_text_config().vocab_size))
        if self._head is None:
            logits = iter(self._model(**inputs).logits[wanted].split(steps))
        else:
            states = self._model.base_model(**inputs).last_hidden_state[wanted].split(steps)
            logits = map(self._head, states)
        yield from zip(logits, targets.split(steps), strict=True)

    @cached_property
    def _head(self) -> "_Head | None":
        """None where logits are no function of the body's last states alone; then those of a whole pass are held."""
        ids = torch.arange(8, device=self._model.device)[None]
        body = self._model.base_model(input_ids=ids, use_cache=False)
        whole = self._model(input_ids=ids, use_cache=False).logits[0]
        head = _Head(self._model, type(body))
        try:
            parts = head(body.last_hidden_state[0])
        except Exception as error:  # a model's own code may do anything
            logger.warning("the output layer cannot be run alone (%r): logits_mib is not respected", error)
            return None
        return head if torch.allclose(whole, parts, rtol=1e-3, atol=1e-5) else None


class _Head:
    """What a model does to the last states (t, hidden) of its body: output layer, scale, cap, by its own code."""

    def __init__(self, model: Any, output: type) -> None:
        self._body = _GivenStates(output)
        self._model = copy.copy(model)
        self._model._modules = {**model._modules, model.base_model_prefix: self._body}

    def __call__(self, states: torch.Tensor) -> torch.Tensor:
        self._body.states = states[None]
        logits: torch.Tensor = self._model(
            input_ids=torch.zeros((1, len(states)), dtype=torch.int64, device=states.device), use_cache=False
        ).logits
        return logits[0]


class _GivenStates(torch.nn.Module):  # type: ignore[misc]
    """Stands where a model's body stood."""

    states: torch.Tensor

    def __init__(self, output: type) -> None:
        super().__init__()
        self._output = output

    def forward(self, *_: Any, **__: Any) -> Any:
        return self._output(last_hidden_state=self.states)

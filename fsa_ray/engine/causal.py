"""A causal language model that reads given answers: its logits at the steps that predict their tokens."""

import copy
import logging
from collections.abc import Callable
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

    def read(self, pairs: list[Pair], logits_mib: int, take: Callable[[torch.Tensor, torch.Tensor], None]) -> None:
        """Give `take` the logits (t, vocabulary) at the steps that predict the answers' tokens, and those tokens (t,),
        in the order of the pairs: from one pass over all of them, in parts of at most `logits_mib`, one at a time.
        No other logits are computed where the model allows that.

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
        steps = max(1, (logits_mib << 20) // (4 * self._model.config.get_text_config().vocab_size))
        targets = ids.roll(-1, 1)[wanted].to(device).split(steps)
        with torch.inference_mode():
            if self._head is None:
                for logits, part in zip(self._model(**inputs).logits[wanted].split(steps), targets, strict=True):
                    take(logits, part)
            else:
                states = self._model.base_model(**inputs).last_hidden_state[wanted].split(steps)
                for state, part in zip(states, targets, strict=True):
                    take(self._head(state), part)  # no name of ours holds the logits when the next are made

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

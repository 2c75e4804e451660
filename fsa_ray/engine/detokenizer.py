"""Text of whole answers.

vLLM writes an answer token by token while it is made, in the thread that runs a CPU engine. Nobody reads it before it
is done, so it is written at once, by the same decoder.
"""

from collections.abc import Sequence
from typing import Any

from tokenizers.decoders import DecodeStream
from transformers import TokenizersBackend

CONTEXT_TOKENS = 8
"""Of the prompt: whether a first word begins with a blank depends on what stands before it."""


class Detokenizer:
    """For a tokenizer of vLLM. `works` is False for those whose decoding is their own Python: then vLLM writes."""

    def __init__(self, tokenizer: Any) -> None:
        self.works = isinstance(tokenizer, TokenizersBackend)
        self._tokenizer: Any = tokenizer._tokenizer if self.works else None

    def text(self, prompt: Sequence[int], answer: Sequence[int]) -> str:
        """What vLLM writes for the answer's tokens after those of the prompt; special tokens are left out."""
        whole = self._stream(prompt).step(self._tokenizer, list(answer)) if answer else ""
        if whole is not None:
            return str(whole)
        stream = self._stream(prompt)  # it ends within a character, which the stream holds back with what is before it
        return "".join(stream.step(self._tokenizer, token) or "" for token in answer)

    def _stream(self, prompt: Sequence[int]) -> DecodeStream:
        return DecodeStream(ids=list(prompt[-CONTEXT_TOKENS:]), skip_special_tokens=True)

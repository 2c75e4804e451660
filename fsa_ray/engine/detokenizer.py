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
    """For a tokenizer of vLLM. Where `works` is False vLLM has to write: where decoding is the tokenizer's own Python,
    and where bytes that are no characters are made up for (as in Llama 2), which depends on how many come at once."""

    def __init__(self, tokenizer: Any) -> None:
        self.works = isinstance(tokenizer, TokenizersBackend) and not _makes_up(tokenizer._tokenizer.decoder)
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


def _makes_up(decoder: Any) -> bool:
    return decoder is not None and b"ByteFallback" in decoder.__getstate__()

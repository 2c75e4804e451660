"""From a user turn to token ids in a model's chat format, with the user's text kept apart from control tokens."""

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Protocol

from fsa_ray.sentiment.control_tokens import DataTokenizer

# What the template is rendered with in place of the texts: letters only, so that no template edits it.
_USER = "qzUSERTEXTzq"
_ANSWER = "qzANSWERTEXTzq"

_PLAIN_BEFORE = "### Input\n"
_PLAIN_AFTER = "\n\n### Answer\n"
_DATE = "26 Jul 2024"
"""What templates that write today's date into each prompt are told instead (it is their own fall-back): a student that
is trained on Monday is asked the same on Friday."""
_PLAIN_HEADING = re.compile(r"^(?=### )", re.MULTILINE)


class Tokenizer(Protocol):
    """What is asked of a tokenizer: the surface of a fast Hugging Face tokenizer."""

    chat_template: Any
    bos_token_id: Any
    eos_token_id: Any
    unk_token_id: Any
    added_tokens_decoder: Any

    @property
    def backend_tokenizer(self) -> Any: ...
    def apply_chat_template(self, conversation: Any, /, **options: Any) -> Any: ...
    def encode(self, text: str, /, *, add_special_tokens: bool) -> list[int]: ...


class ChatFormat:
    """A model's chat format as token ids.

    The template's own text is tokenised with control tokens; the user's text and the answer are tokenised with every
    added token split into ordinary ones, so that `<|im_end|>` or `<think>` in a review stays text. Texts are stripped
    of white space at both ends, as most templates do.

    A model without a chat template gets the plain format: the tokenizer's BOS if it adds one, then
    `### Input`, the user's text, a blank line and `### Answer`, each on lines of their own; the answer ends with EOS.
    A line of the user's text that starts with `### ` gets one blank before it.

    `options` go to the template, for instance `enable_thinking=False`.
    """

    def __init__(self, tokenizer: Tokenizer, options: Mapping[str, Any] | None = None) -> None:
        backend = getattr(tokenizer, "backend_tokenizer", None)
        if backend is None:
            raise ValueError("the model's tokenizer is not a fast one (tokenizer.json): use a model that has it")
        self._tokenizer = tokenizer
        self._options = {"date_string": _DATE, **(options or {})}
        self._data = DataTokenizer(backend, tokenizer.added_tokens_decoder, tokenizer.unk_token_id)
        self.has_template = bool(tokenizer.chat_template)
        before, after = self._template_parts() if self.has_template else (_PLAIN_BEFORE, _PLAIN_AFTER)
        #: True if the prompt itself opens the model's thinking, so that answers hold only `</think>`.
        self.opens_thinking = after.rstrip().endswith("<think>")
        self._before = self._start(before)
        self._after = tokenizer.encode(after, add_special_tokens=False)

    def prompt_ids(self, user_text: str) -> list[int]:
        """Ids that ask the model for an answer to one user turn."""
        text = user_text.strip()
        if not self.has_template:
            text = _PLAIN_HEADING.sub(" ", text)
        return [*self._before, *self._data.ids(text), *self._after]

    def text_ids(self, text: str) -> list[int]:
        """Ids of plain text outside any template: the tokenizer's BOS if it adds one, then the text as data."""
        return [*self._bos, *self._data.ids(text)]

    def continuation_ids(self, before: str, text: str) -> list[int]:
        """Ids of `text` where it goes on from `before` in plain text."""
        start, whole = self._data.ids(before), self._data.ids(before + text)
        return whole[len(start) :] if whole[: len(start)] == start else self._data.ids(text)

    def example_ids(self, user_text: str, answer: str) -> tuple[list[int], int]:
        """Ids of a training pair and the length of its prompt.

        The first `n_prompt` ids equal `prompt_ids(user_text)`; the last id is the end-of-turn token.
        """
        prompt = self.prompt_ids(user_text)
        return [*prompt, *self._data.ids(answer.strip()), self.end_id], len(prompt)

    @cached_property
    def end_id(self) -> int:
        """The token that ends the assistant's turn: the first control token after the answer, else EOS.

        Errors: ValueError if the tokenizer has neither.
        """
        if self.has_template:
            turns = [{"role": "user", "content": _USER}, {"role": "assistant", "content": _ANSWER}]
            rendered = self._render(turns, add_generation_prompt=False)
            tail = rendered.rpartition(_ANSWER)[2]
            for token in self._tokenizer.encode(tail, add_special_tokens=False):
                if token in self._data.control:
                    return token
        if self._tokenizer.eos_token_id is None:
            raise ValueError("the tokenizer has no end-of-turn token: set eos_token in tokenizer_config.json")
        return int(self._tokenizer.eos_token_id)

    @cached_property
    def _bos(self) -> list[int]:
        bos = self._tokenizer.bos_token_id
        return [bos] if bos is not None and self._tokenizer.encode("", add_special_tokens=True)[:1] == [bos] else []

    def _template_parts(self) -> tuple[str, str]:
        rendered = self._render([{"role": "user", "content": _USER}], add_generation_prompt=True)
        parts = rendered.split(_USER)
        if len(parts) != 2:
            raise ValueError(f"the chat template writes the user's text {len(parts) - 1} times: it must do so once")
        return parts[0], parts[1]

    def _render(self, turns: list[dict[str, str]], *, add_generation_prompt: bool) -> str:
        return str(
            self._tokenizer.apply_chat_template(
                turns, tokenize=False, add_generation_prompt=add_generation_prompt, **self._options
            )
        )

    def _start(self, before: str) -> list[int]:
        """Ids of the part before the user's text, with exactly one BOS where the model has one at the start."""
        ids = self._tokenizer.encode(before, add_special_tokens=not self.has_template)
        bos = self._tokenizer.bos_token_id
        if not self.has_template:
            # The default encoding may add an EOS as well, which belongs to the end of the answer.
            plain = self._tokenizer.encode(before, add_special_tokens=False)
            return [bos, *plain] if ids and bos is not None and ids[0] == bos != plain[0] else plain
        while len(ids) > 1 and bos is not None and ids[0] == ids[1] == bos:
            ids = ids[1:]
        return ids

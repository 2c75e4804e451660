"""Control tokens, and how text that is data is kept from becoming one."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any


class DataTokenizer:
    """A fast tokenizer without its added tokens, for text that is data.

    `backend` is the `tokenizers.Tokenizer`, `added_tokens` maps ids to its added tokens; `control` holds the ids of
    those that are not mere white space, none of which `ids` ever returns (but for the unknown token).
    """

    def __init__(self, backend: Any, added_tokens: Mapping[int, Any], unknown: int | None) -> None:
        added = {int(i): token.content for i, token in added_tokens.items()}
        self.control = frozenset(i for i, content in added.items() if not content.isspace())
        self._forbidden = self.control - {unknown}
        contents = sorted((added[i] for i in self._forbidden if added[i]), key=len, reverse=True)
        self._literal = re.compile(f"({'|'.join(map(re.escape, contents))})") if contents else None
        state = json.loads(backend.to_str())
        # Added tokens of white space only (runs of blanks, line breaks) are vocabulary, not control.
        state["added_tokens"] = [token for token in state["added_tokens"] if token["content"].isspace()]
        state.update(post_processor=None, truncation=None, padding=None)
        self._backend = type(backend).from_str(json.dumps(state))

    def ids(self, text: str) -> list[int]:
        return self._spelled_out(text, self._encode(text))

    def batch(self, texts: Iterable[str]) -> list[list[int]]:
        """`ids` of each text, on all cores."""
        texts = list(texts)
        encoded = self._backend.encode_batch_fast([_encodable(text) for text in texts], add_special_tokens=False)
        return [self._spelled_out(text, list(one.ids)) for text, one in zip(texts, encoded, strict=True)]

    def _spelled_out(self, text: str, ids: list[int]) -> list[int]:
        if self._literal is None or self._forbidden.isdisjoint(ids):
            return ids
        # The model's own vocabulary holds a control token as a word: spell it out, letter by letter.
        ids = []
        for i, piece in enumerate(self._literal.split(text)):
            for part in piece if i % 2 else [piece]:
                ids.extend(self._encode(part))
        return [token for token in ids if token not in self._forbidden]

    def _encode(self, text: str) -> list[int]:
        return list(self._backend.encode(_encodable(text), add_special_tokens=False).ids)


def _encodable(text: str) -> str:
    """The text without lone surrogates, which no tokenizer can encode."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


#: Control tokens of common chat formats, for endpoints whose tokenizer is not at hand.
COMMON_CONTROL_TOKENS = (
    "<|im_start|>", "<|im_end|>", "<|endoftext|>", "<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>",
    "<|end_header_id|>", "<|eot_id|>", "<|eom_id|>", "<|python_tag|>", "<|system|>", "<|user|>", "<|assistant|>",
    "<|end|>", "<|start|>", "<|message|>", "<|channel|>", "<|return|>", "<|endofprompt|>", "<bos>", "<eos>",
    "<start_of_turn>", "<end_of_turn>", "<s>", "</s>", "[INST]", "[/INST]", "<<SYS>>", "<</SYS>>", "<think>",
    "</think>", "<tool_call>", "</tool_call>", "<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>", "<｜User｜>",
    "<｜Assistant｜>",
)  # fmt: skip


def neutralise(text: str, special_tokens: Iterable[str] = COMMON_CONTROL_TOKENS) -> tuple[str, bool]:
    """The text with every control token broken by a blank after its first character, and whether anything changed.

    For endpoints that tokenise text themselves. Afterwards none of `special_tokens` of two characters or more occurs.
    """
    tokens = sorted({token for token in special_tokens if len(token) > 1}, key=len, reverse=True)
    if not any(token in text for token in tokens):
        return text, False
    pattern = re.compile("|".join(map(re.escape, tokens)))
    broken = pattern.sub(lambda match: f"{match[0][0]} {match[0][1:]}", text)
    # Where tokens overlap, or a token holds a blank itself, breaking one may leave or make another: drop those.
    while pattern.search(broken):
        broken = pattern.sub("", broken)
    return broken, True

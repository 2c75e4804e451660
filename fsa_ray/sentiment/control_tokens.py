"""Control tokens, and how text that is data is kept from becoming one."""

import json
import re
from collections.abc import Mapping
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
        ids = self._encode(text)
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


_NAME = r"[\w▁/.:@-]{1,64}"
_SENTINELS = (
    r"s|pad|unk|bos|eos|cls|sep|mask|eod|eop|sop|eot|image|im_(start|end|patch)|(start|end)_function_(call|response)"
    r"|(\w{1,20}[:_])?(think|tool_calls?|tool_response|function_calls?)"
    r"|(start|end)_of_(turn|image|audio)|(image|audio)_soft_token|fim_(prefix|middle|suffix|pad)|repo_name|file_sep"
    r"|(extra_id_|unused|reserved_|unused_token_)\d{1,6}"
)
_BRACKETED = (
    r"INST|SYSTEM_PROMPT|TOOL_CALLS|AVAILABLE_TOOLS|TOOL_RESULTS|TOOL_CONTENT|ARGS|CALL_ID|THINK|IMG|IMG_BREAK|IMG_END"
    r"|AUDIO|BEGIN_AUDIO|TRANSCRIBE|PREFIX|MIDDLE|SUFFIX|MODEL_SETTINGS|[gs]?MASK|CLS|SEP|PAD|UNK|BOS|EOS"
)
_CONTROL_TOKEN = re.compile(
    f"<[|｜]{_NAME}[|｜]>"  # Qwen, Llama 3, Phi, gpt-oss, GLM, Kimi; DeepSeek has wide bars
    f"|<[|]{_NAME}>|<{_NAME}[|]>"  # Gemma 4
    f"|</?({_SENTINELS})>"
    f"|\\[/?({_BRACKETED})\\]"  # Mistral, GLM, BERT
    "|<</?SYS>>"  # Llama 2
)


def neutralise(text: str) -> tuple[str, bool]:
    """The text with what is a control token of common models broken by a blank after its first character, and whether
    there was any: for endpoints, whose tokenizer is not at hand.

    No such token holds a blank, and none begins inside another: so none is left, and none arises.
    """
    broken, count = _CONTROL_TOKEN.subn(lambda match: f"{match[0][0]} {match[0][1:]}", text)
    return broken, count > 0

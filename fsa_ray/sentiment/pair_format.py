"""From texts to the token ids that an encoder-decoder reads and writes, and back."""

from typing import Any

from fsa_ray.sentiment.control_tokens import DataTokenizer

NEWLINE = "[NL]"
"""Token that stands for a line break where a vocabulary has none (FSA-Distillation)."""


class PairFormat:
    """A model's tokenizer for texts that are data: control tokens in them stay text.

    Line breaks survive: where the tokenizer loses them (T5's does), each is the token NEWLINE, which
    `with_newlines` adds to a vocabulary.
    """

    def __init__(self, tokenizer: Any) -> None:
        backend = getattr(tokenizer, "backend_tokenizer", None)
        if backend is None:
            raise ValueError("the model's tokenizer is not a fast one (tokenizer.json): use a model that has it")
        if tokenizer.eos_token_id is None:
            raise ValueError("the tokenizer has no end token: set eos_token in tokenizer_config.json")
        self._tokenizer = tokenizer
        self._data = DataTokenizer(backend, tokenizer.added_tokens_decoder, tokenizer.unk_token_id)
        self._newline = tokenizer.get_added_vocab().get(NEWLINE)
        #: The ids around a text to read, as the tokenizer itself puts them.
        around: list[int] = list(tokenizer.encode("", add_special_tokens=True))
        ends = around[-1:] == [tokenizer.eos_token_id]
        self._before, self._after = (around[:-1], around[-1:]) if ends else (around, [])

    @property
    def end_id(self) -> int:
        return int(self._tokenizer.eos_token_id)

    def source_ids(self, text: str, limit: int | None = None) -> tuple[list[int], bool]:
        """Ids of a text to read, at most `limit`, and whether it was cut; empty for a text that says nothing."""
        ids = self._ids(text)
        room = len(ids) if limit is None else limit - len(self._before) - len(self._after)
        return ([*self._before, *ids[:room], *self._after] if ids else []), len(ids) > room

    def target_ids(self, text: str, limit: int | None = None) -> tuple[list[int], bool]:
        """Ids of a text to write, at most `limit`, and whether it was cut. A whole one ends with the end token; a cut
        one does not, since nothing ends there."""
        ids = [*self._ids(text), self.end_id]
        return (ids, False) if limit is None or len(ids) <= limit else (ids[:limit], True)

    def text(self, ids: list[int]) -> str:
        """What was written, without its end token and what follows it."""
        own = ids[: ids.index(self.end_id)] if self.end_id in ids else ids
        if self._newline is None:
            return str(self._tokenizer.decode(own, skip_special_tokens=True)).strip()
        lines: list[list[int]] = [[]]
        for token in own:
            if token == self._newline:
                lines.append([])
            else:
                lines[-1].append(token)
        return "\n".join(str(self._tokenizer.decode(line, skip_special_tokens=True)).strip() for line in lines).strip()

    def _ids(self, text: str) -> list[int]:
        text = text.strip()
        if self._newline is None:
            return self._data.ids(text) if text else []
        ids: list[int] = []
        for number, line in enumerate(text.splitlines()):
            ids.extend([self._newline] if number else [])
            ids.extend(self._data.ids(line))
        return ids


def with_newlines(tokenizer: Any) -> bool:
    """Adds the token NEWLINE to a tokenizer that loses line breaks; whether it had to."""
    probe = tokenizer.decode(tokenizer.encode("a\nb", add_special_tokens=False))
    if "\n" in probe:
        return False
    return bool(tokenizer.add_tokens([NEWLINE]))

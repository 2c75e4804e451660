"""Asking a causal model: what teach and annotate send to the engine."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from fsa_ray.engine.question import Question
from fsa_ray.schemas.opinion import POLARITIES
from fsa_ray.sentiment.chat import ChatFormat
from fsa_ray.stages.model import chat_format


@dataclass(frozen=True)
class Asker:
    """Turns prompts into questions for the model at `path`. Small: sent to workers, which load its tokenizer."""

    path: str
    max_tokens: int
    trust_remote_code: bool = False

    @cached_property
    def chat(self) -> ChatFormat:
        return chat_format(self.path, self.trust_remote_code)

    @cached_property
    def labels(self) -> list[int] | None:
        """First tokens of the polarity words, in the order of POLARITIES; None where two words share theirs."""
        pairs = [self.chat.example_ids("", word) for word in POLARITIES]
        firsts = [ids[prompt_length] for ids, prompt_length in pairs]
        return firsts if len(set(firsts)) == len(firsts) else None

    def question(self, turn: str, schema: str | None, kind: str, **sampling: Any) -> Question:
        """What the engine is asked: a user turn. One that is too long comes back from the engine as an error."""
        params = {"max_tokens": self.max_tokens, "stop_token_ids": [self.chat.end_id], **sampling}
        if kind == "analysis" and schema is None and self.labels is not None:
            params["logprob_token_ids"] = self.labels
        if schema is not None:
            params["structured_outputs"] = {"json": schema}
        return Question(self.chat.prompt_ids(turn), params)

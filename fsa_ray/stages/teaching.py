"""What is made of a teacher's reply: a response row, with an error where it is no whole answer."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from fsa_ray.engine.question import Question, Reply
from fsa_ray.schemas.rows import RESPONSE
from fsa_ray.sentiment.answers import parse_analysis
from fsa_ray.sentiment.attributes import parse_attributes
from fsa_ray.sentiment.control_tokens import neutralise
from fsa_ray.sentiment.instructions.reply import find_entries, find_object
from fsa_ray.sentiment.instructions.validation import read_analysis, read_proposals
from fsa_ray.sentiment.thinking import split_thinking
from fsa_ray.stages.asking import CUT, Asker

_KEY = "output"


@dataclass(frozen=True)
class Teaching:
    """Questions by token ids for an engine of ours. `round` counts from 0 and, with the seed and the row's id, seeds
    the sampling, so that a row's answer does not depend on its neighbours."""

    asker: Asker
    decoding: dict[str, Any]
    round: int
    seed: int

    def questions(self, rows: pa.Table) -> list[Question]:
        return [question for row in rows.to_pylist() for question in self._questions(row)]

    def answers(self, rows: pa.Table, replies: list[Reply]) -> pa.Table:
        waiting = iter(replies)
        main: list[Reply] = []
        for row in rows.select(["labels", "opening"]).to_pylist():
            words, opening = row["labels"], row["opening"] or ""
            own = [next(waiting) for _ in range(self.asker.count(words, opening))]
            main.append(replace(own[0], label_logprobs=self._weighed(words, opening, own)))
        opened = self.asker.chat.opens_thinking
        return responses(rows, main, self.round, self.decoding["temperature"], opened=opened)

    def _weighed(self, words: list[str] | None, opening: str, own: list[Reply]) -> list[float] | None:
        """None where the answer does not begin with a label word, since the model thinks first."""
        opened = self.asker.chat.opens_thinking
        if opened or split_thinking(own[0].text, opened=opened).thinking:
            return None
        return self.asker.label_logprobs(words, opening, own)

    def _questions(self, row: dict[str, Any]) -> list[Question]:
        decoding = _seeded(self.decoding, self.seed, self.round, row["id"])
        return self.asker.questions(row["prompt"], row["schema"], row["labels"], row["opening"] or "", **decoding)


@dataclass(frozen=True)
class Writing:
    """Questions by text for an endpoint, which tokenises them itself: control tokens in them are broken up."""

    max_tokens: int
    decoding: dict[str, Any]
    round: int
    seed: int

    def requests(self, rows: pa.Table) -> list[dict[str, Any]]:
        """Arguments of a chat completion for each row."""
        found = []
        for row in rows.to_pylist():
            text, _ = neutralise(row["prompt"])
            request: dict[str, Any] = {
                "messages": [{"role": "user", "content": text}],
                "max_tokens": self.max_tokens,
                **_seeded(self.decoding, self.seed, self.round, row["id"]),
            }
            if row["schema"] is not None:
                schema = {"name": row["kind"], "schema": _object_schema(json.loads(row["schema"])), "strict": True}
                request["response_format"] = {"type": "json_schema", "json_schema": schema}
            found.append(request)
        return found

    def answers(self, rows: pa.Table, replies: list[Reply]) -> pa.Table:
        changed = [neutralise(turn)[1] for turn in rows["prompt"].to_pylist()]
        bare = [_unwrapped(reply) for reply in replies]
        temperature = self.decoding["temperature"]
        return responses(rows, bare, self.round, temperature, opened=False, neutralised=changed)


def _object_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """Endpoints want an object at the root of a schema: another value stands under one key."""
    if schema.get("type") == "object":
        return schema
    return {"type": "object", "properties": {_KEY: schema}, "required": [_KEY], "additionalProperties": False}


def _unwrapped(reply: Reply) -> Reply:
    """The reply with the value of `_object_schema`'s key alone."""
    try:
        said = json.loads(reply.text)
    except (ValueError, RecursionError):
        return reply
    if not isinstance(said, dict) or set(said) != {_KEY}:
        return reply
    return replace(reply, text=json.dumps(said[_KEY], ensure_ascii=False))


def responses(
    rows: pa.Table,
    replies: list[Reply],
    round_: int,
    temperature: float,
    *,
    opened: bool,
    neutralised: list[bool] | None = None,
) -> pa.Table:
    """One RESPONSE row for each request and its reply."""
    flags = neutralised or [False] * len(replies)
    triples = zip(rows.select(["id", "parent", "kind", "schema"]).to_pylist(), replies, flags, strict=True)
    own = {"tries": round_ + 1, "temperature": temperature}
    return pa.Table.from_pylist(
        [_response(request, reply, opened) | own | {"neutralised": flag} for request, reply, flag in triples],
        RESPONSE,
    )


def _response(request: dict[str, Any], reply: Reply, opened: bool) -> dict[str, Any]:
    said = split_thinking(reply.text, opened=opened)
    return {
        **{key: request[key] for key in ("id", "parent", "kind")},
        "text": said.answer,
        "thinking": said.thinking or None,
        "finish_reason": reply.finish_reason,
        "prompt_tokens": reply.prompt_tokens,
        "output_tokens": reply.output_tokens,
        "label_logprobs": reply.label_logprobs,
        "error": reply.error or _fault(request, said.answer, said.closed, reply.finish_reason),
    }


def _fault(request: dict[str, Any], answer: str, closed: bool, finish_reason: str | None) -> str | None:
    if finish_reason == "length" or not closed:
        return CUT
    if not answer:
        return "empty answer"
    readable = _READABLE.get(request["kind"], _is_json if request["schema"] is not None else None)
    return None if readable is None or readable(answer) else "unreadable answer"


def _is_json(answer: str) -> bool:
    try:
        json.loads(answer)
    except (ValueError, RecursionError):
        return False
    return True


_READABLE: dict[str, Callable[[str], bool]] = {
    "analysis": lambda answer: parse_analysis(answer).polarity is not None,
    "enumerate": lambda answer: bool(parse_attributes(answer)),
    "analyse": lambda answer: read_analysis(answer).reason is None,
    "propose": lambda answer: read_proposals(answer).reason is None,
    "standardise": lambda answer: isinstance(find_object(answer, "description"), dict),
    "demonstrate": lambda answer: isinstance(find_entries(answer, "examples"), list),
}
"""By kind of prompt: whether an answer says anything. What it says is judged by the stage that asks or reads it."""


def _seeded(decoding: dict[str, Any], seed: int, round_: int, row_id: str) -> dict[str, Any]:
    if decoding["temperature"] == 0:
        return decoding
    return {**decoding, "seed": (int(row_id[:12], 16) ^ (seed * 1_000_003 + round_)) & 0x7FFFFFFF}

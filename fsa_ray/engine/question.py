"""What we ask an engine and what it says, and how units of both travel: as JSON, since Arrow would fill the gaps of
unequal sampling parameters."""

import json
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Question:
    """`prompt`: token ids. `params`: of vLLM's SamplingParams, `structured_outputs` among them as a dictionary."""

    prompt: list[int]
    params: dict[str, Any]


@dataclass(frozen=True)
class Reply:
    """What the engine said to one question.

    `label_logprobs`: log-probabilities at the first generated token of the ids in `logprob_token_ids`, in their
    order; None if the parameters did not ask. With an `error` the text is empty.
    """

    text: str = ""
    prompt_tokens: int = 0
    output_tokens: int = 0
    finish_reason: str | None = None
    label_logprobs: list[float] | None = None
    error: str | None = None


def encode_questions(questions: list[Question]) -> str:
    """Equal parameters are sent once."""
    distinct: dict[str, int] = {}
    which = [distinct.setdefault(json.dumps(question.params, sort_keys=True), len(distinct)) for question in questions]
    params = [json.loads(text) for text in distinct]
    return json.dumps({"prompts": [question.prompt for question in questions], "params": params, "which": which})


def decode_questions(text: str) -> list[Question]:
    message = json.loads(text)
    params = message["params"]
    pairs = zip(message["prompts"], message["which"], strict=True)
    return [Question(prompt, params[index]) for prompt, index in pairs]


def encode_replies(replies: list[Reply]) -> str:
    return json.dumps([asdict(reply) for reply in replies])


def decode_replies(text: str) -> list[Reply]:
    return [Reply(**values) for values in json.loads(text)]

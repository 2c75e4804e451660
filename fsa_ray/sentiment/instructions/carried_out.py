"""What a teacher answers to an instruction about a review: what can be taught of it, or why it cannot."""

import re

from fsa_ray.sentiment.answers import Dropped, clean_value
from fsa_ray.sentiment.instructions.outputs import read_text
from fsa_ray.sentiment.instructions.task import TaskDefinition
from fsa_ray.sentiment.verdicts import judge_text

_JSON = re.compile(r'(?:```json\s*)?(?:\{\s*["}]|\[\s*["{\]])')


def read_carried_out(
    task: TaskDefinition | None, answer: str, review: str, finish_reason: str | None = None
) -> str | Dropped:
    """The canonical text of an answer to a task; to an analysis instruction, for which `task` is None, its prose.

    Reasons: empty, cut (the token budget ended it); of tasks: see `read_text`; of analyses: refusal, repeat (see
    `judge_text`), format (begins as JSON, which no analysis instruction asks for). Never raises, whatever the texts.
    """
    if not answer.strip():
        return Dropped("empty", "")
    if finish_reason == "length":
        return Dropped("cut", "the answer reached the token limit")
    if task is not None:
        return read_text(task, answer, review)
    verdict = judge_text(answer, review, finish_reason)
    if verdict.reason is not None:
        return Dropped(verdict.reason, verdict.detail)
    said = answer.strip()
    return Dropped("format", clean_value(f"JSON instead of prose: {said[:200]}")) if _JSON.match(said) else said

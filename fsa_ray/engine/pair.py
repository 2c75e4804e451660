"""What a model reads by teacher forcing."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Pair:
    """Token ids of a prompt and its answer; the last `answer` ids are the answer."""

    ids: list[int]
    answer: int

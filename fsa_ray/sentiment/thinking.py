"""A reasoning teacher's thinking, kept apart from its answer."""

from typing import NamedTuple

_OPEN, _CLOSE = "<think>", "</think>"


class Said(NamedTuple):
    """A teacher's output in two parts. `closed` is False if the thinking never ended, so that there is no answer."""

    thinking: str
    answer: str
    closed: bool


def split_thinking(text: str, *, opened: bool = False) -> Said:
    """Split off the thinking that starts an output.

    `opened`: the prompt already opened it (see `ChatFormat.opens_thinking`). Tags further on are left alone: they are
    words of the answer, quoted from the review perhaps.
    """
    body = text.lstrip()
    if body.startswith(_OPEN):
        body = body[len(_OPEN) :]
    elif not opened:
        return Said("", text.strip(), True)
    thinking, closed, answer = body.partition(_CLOSE)
    return Said(thinking.strip(), answer.strip(), bool(closed))

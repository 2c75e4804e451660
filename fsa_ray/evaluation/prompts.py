"""In-context prompts: an instruction, k demonstrations drawn for the item, and the query."""

import hashlib
import random
from collections.abc import Callable, Sequence
from typing import NamedTuple

from fsa_ray.evaluation.answer_format import explain, write_answer
from fsa_ray.evaluation.item import Item
from fsa_ray.evaluation.task import Protocol, Task, require_protocol

MAX_SHOTS = 8

CountTokens = Callable[[str], int]


class Prompt(NamedTuple):
    """A prompt, the demonstrations in it and dropped from it; `too_long` if even the bare query does not fit."""

    id: str
    text: str
    shots: int
    dropped: int
    too_long: bool


def draw_demos(task: Task, pool: Sequence[Item], item: Item, k: int, seed: int) -> list[Item]:
    """k items of the pool, at random from (seed, task, item id) alone: the order and batch of items never matter.

    Fewer demonstrations are the first of more. Items with the query's own text are not drawn.
    """
    if not 0 <= k <= MAX_SHOTS:
        raise ValueError(f"k must be 0 to {MAX_SHOTS}, not {k}")
    if k == 0:
        return []
    key = f"{seed}\0{task.name}\0{item.id}".encode()
    source = random.Random(hashlib.sha256(key).digest())  # noqa: S311 (not a secret)
    drawn = [pool[n] for n in source.sample(range(len(pool)), min(2 * MAX_SHOTS, len(pool)))]
    others = [demo for demo in drawn if demo.text != item.text]
    if len(others) < k:
        raise ValueError(f"{task.name}: cannot draw {k} demonstrations from {len(pool)} items; lower k")
    return others[:k]


def build_prompt(
    task: Task,
    item: Item,
    demos: Sequence[Item],
    protocol: Protocol,
    count_tokens: CountTokens,
    max_tokens: int,
) -> Prompt:
    """The prompt with as many demonstrations as fit into `max_tokens`: the last ones go first, the query is whole."""
    shots = len(demos)
    text = render(task, item, demos, protocol)
    while (too_long := count_tokens(text) > max_tokens) and shots:
        shots -= 1
        text = render(task, item, demos[:shots], protocol)
    return Prompt(item.id, text, shots, len(demos) - shots, too_long)


def render(task: Task, item: Item, demos: Sequence[Item], protocol: Protocol) -> str:
    """Plain text without a chat template. v1 asks with `Sentence:` and `Label:`, v2 and strict end at `Output:`.

    Under p1 (fine-tuned encoder-decoder students) the prompt is the bare sentence.
    """
    require_protocol(task, protocol)
    if protocol == "p1":
        return item.text
    instruction = task.instruction
    for name, value in item.extra.items():
        instruction = instruction.replace(f"{{{name}}}", value)
    asked = "Label:" if protocol == "v1" else "Output:"
    shown = [f"Sentence: {demo.text}\n{asked} {write_answer(task, demo, protocol)}" for demo in demos]
    return "\n\n".join([f"{instruction} {explain(task, protocol)}", *shown, f"Sentence: {item.text}\n{asked}"])

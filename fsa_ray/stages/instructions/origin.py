"""Where the demonstrations of a task come from."""

from collections.abc import Iterable, Iterator
from typing import Any

from fsa_ray.sentiment.instructions.task import Demonstration
from fsa_ray.stages.rows import derived_id


def origins(
    instruction: str, examples: Iterable[Demonstration], parent: str | None, references: Iterable[str] = ()
) -> Iterator[dict[str, Any]]:
    """Values of DEMONSTRATION for examples of the instruction with that id, all from one response, or from a file."""
    for shown in examples:
        yield {"id": derived_id(instruction, shown.input), "parent": parent, "references": list(references)}

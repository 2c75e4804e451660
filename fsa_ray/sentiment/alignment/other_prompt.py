"""The user turn of a record of another task."""

import re

from fsa_ray.sentiment.alignment.other_tasks import OtherRecord
from fsa_ray.sentiment.alignment.variant import MAX_SHOTS

_FRAME = re.compile(r"(?:input|output)(?:\s+([0-9]{1,9}))?\s*:", re.IGNORECASE)


def render_other(record: OtherRecord, k: int) -> str:
    """The instruction, up to k of the record's examples, and its input; ends where the output is to follow.

    Other tasks need their line breaks, so the frames are told from the texts by a number that no line of them has;
    there is none where no text has a frame. The first examples are shown, without those of the query's own input.
    Errors: ValueError if k is not 0 to 8.
    """
    if not 0 <= k <= MAX_SHOTS:
        raise ValueError(f"k must be 0 to {MAX_SHOTS}, not {k}")
    examples = [shown for shown in record.examples if shown.input != record.input][:k]
    texts = [record.instruction, record.input, *(text for shown in examples for text in (shown.input, shown.output))]
    starts = (_FRAME.match(line.lstrip()) for text in texts for line in text.splitlines())
    used = {int(found[1] or 1) for found in starts if found}
    number = next(n for n in range(1, len(used) + 2) if n not in used)
    asked, due = ("Input:", "Output:") if number == 1 else (f"Input {number}:", f"Output {number}:")
    cases = [f"{asked} {shown.input}\n{due} {shown.output}" for shown in examples]
    return "\n\n".join([record.instruction, *cases, f"{asked} {record.input}\n{due}"])

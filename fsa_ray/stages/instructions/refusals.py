"""What of the teacher's replies could not be used, as rejects."""

from collections.abc import Iterator
from typing import Any

from fsa_ray.sentiment.instructions.reply import Reading
from fsa_ray.stages.rows import derived_id


def refusals(response: dict[str, Any], reading: Reading[Any] | None) -> Iterator[dict[str, Any]]:
    """Rows of REJECT for a response: itself if nothing of it could be used, and each of its parts that was refused.

    `reading` is None for a response without a text. One that was asked for again in vain is read, for the reason.
    """
    own = {"parent": response["id"], "text": response["text"]}
    if reading is None:
        yield {**own, "id": derived_id(response["id"], "whole"), "reason": "unanswered", "detail": response["error"]}
        return
    if reading.reason is not None:
        detail = {"reason": reading.reason, "detail": reading.detail}
        yield {**own, "id": derived_id(response["id"], "whole"), **detail}
    for number, part in enumerate(reading.dropped):
        yield {
            "id": derived_id(response["id"], "part", str(number)),
            "parent": response["id"],
            "reason": part.reason,
            "detail": "a part of the answer",
            "text": part.said,
        }

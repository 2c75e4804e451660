"""The prompts that teachers and students are asked with: every perspective in two styles.

A rendered prompt is the text of one user turn. The review in it is data: the `json` style puts it between tags whose
number does not occur in the review, the `compact` style puts it last, so that only the end of the turn ends it.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from fsa_ray.schemas.opinion import POLARITIES
from fsa_ray.sentiment.perspectives import PERSPECTIVES, Kind, Perspective, Style

if TYPE_CHECKING:
    from jinja2 import Template

MOST_OPINIONS = 32

JSON_OPENING = '{"polarity":"'
"""What stands before the review's polarity in an analysis in JSON."""

_TAG_NUMBERS = re.compile(r"review-([0-9]{1,9})(?![0-9])", re.IGNORECASE)


@dataclass(frozen=True)
class Prompt:
    """One prompt: what is asked (`kind`), how the answer is written (`style`), and the wording's `version`.

    `schema` is the JSON schema of the answer as JSON text, or None where the answer is text. Its objects allow no
    further keys and its lists and strings are bounded; white space between tokens is not a matter of JSON schema, so
    the engine must be told to allow none, or a weak model fills its budget with it.
    """

    kind: Kind
    style: Style
    version: int
    template: str
    schema: str | None = None

    def render(self, review: str) -> str:
        """The user turn for one review. The review's text appears in it unchanged."""
        return compiled(self.template).render(review=review, tag=unused_tag(review))


def prompt(kind: str, style: str) -> Prompt:
    """The prompt of a kind (a name in PERSPECTIVES) and a style (json, compact).

    Errors: ValueError if there is none.
    """
    found = PROMPTS.get((kind, style))
    if found is None:
        known = ", ".join(f"{k}/{s}" for k, s in PROMPTS)
        raise ValueError(f"no prompt {kind}/{style}: choose one of {known}")
    return found


def analysis_schema() -> dict[str, Any]:
    """JSON schema of an analysis answer, strict enough for structured output of vLLM and OpenAI-like endpoints."""
    polarity = {"type": "string", "enum": list(POLARITIES)}
    opinion = {
        "type": "object",
        "properties": {
            "target": {"anyOf": [{"type": "string", "minLength": 1, "maxLength": 200}, {"type": "null"}]},
            "aspect": {"type": "string", "minLength": 1, "maxLength": 60},
            "polarity": polarity,
            "evidence": {"type": "string", "minLength": 1, "maxLength": 400},
        },
        "required": ["target", "aspect", "polarity", "evidence"],
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "properties": {
            "polarity": polarity,
            "opinions": {"type": "array", "items": opinion, "maxItems": MOST_OPINIONS},
        },
        "required": ["polarity", "opinions"],
        "additionalProperties": False,
    }


def unused_tag(review: str) -> str:
    """The first of review-1, review-2, ... whose number no tag in the text has."""
    used = {int(number) for number in _TAG_NUMBERS.findall(review)}
    return f"review-{next(n for n in range(1, len(used) + 2) if n not in used)}"


@cache
def compiled(template: str) -> "Template":
    """A template of plain text. Its `render` raises if a variable is missing."""
    from jinja2 import Environment, StrictUndefined

    # Plain text for a model: HTML escapes would change the review.
    return Environment(undefined=StrictUndefined, autoescape=False).from_string(template)  # noqa: S701


def _both_styles(kind: Kind, perspective: Perspective) -> tuple[Prompt, Prompt]:
    schema = json.dumps(analysis_schema()) if kind == "analysis" else None
    careful, compact = perspective.json, perspective.compact
    return (
        Prompt(kind, "json", careful.version, careful.template, schema),
        Prompt(kind, "compact", compact.version, compact.template),
    )


PROMPTS: Mapping[tuple[str, str], Prompt] = MappingProxyType(
    {
        (found.kind, found.style): found
        for kind, perspective in PERSPECTIVES.items()
        for found in _both_styles(kind, perspective)
    }
)

"""The language of a text, guessed by py3langid."""

from functools import cache
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

LEAST_LETTERS = 20
_CHARACTERS_READ = 2000


def languages(texts: pa.Array) -> pa.Array:
    """ISO 639-1 codes (n,), judged by the first 2,000 characters; null where a text has under 20 letters, too few to
    tell."""
    heads = pc.utf8_slice_codeunits(texts, 0, _CHARACTERS_READ)
    letters = pc.count_substring_regex(heads, r"\pL")
    identifier = _identifier()
    judged = [
        identifier.classify(head)[0] if count >= LEAST_LETTERS else None
        for head, count in zip(heads.to_pylist(), letters.to_pylist(), strict=True)
    ]
    return pa.array(judged, pa.string())


def check_languages(codes: tuple[str, ...]) -> None:
    """Errors: ValueError naming the codes that cannot be recognised."""
    unknown = sorted(set(codes) - set(_identifier().labels))
    if unknown:
        raise ValueError(f"unknown languages {', '.join(unknown)}: use ISO 639-1 codes such as en, de, ar")


@cache
def _identifier() -> Any:
    # Takes seconds to load: only where a language rule is in force.
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE)

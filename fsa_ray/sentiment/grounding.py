"""Whether what an answer quotes is in the review: evidence, and targets that are named."""

import re
import string
import unicodedata
from collections.abc import Sequence

from fsa_ray.schemas.opinion import Opinion
from fsa_ray.sentiment.answers import Dropped, clean_value

_QUOTES = {
    **dict.fromkeys("‘’‚‛ʼ´`′", "'"),
    **dict.fromkeys("“”„‟«»″", '"'),
    **dict.fromkeys("‐‑‒–—―−", "-"),
    "…": "...",
    "|": " ",  # what a compact answer writes in its place
}
_ASCII = {**{ord(blank): " " for blank in f"{string.whitespace}\x1c\x1d\x1e\x1f|"}, ord("`"): "'"}
_BLANKS_TO_DROP = re.compile(r"^[\s|]|[\s|]{2}")
_PLACES_TRIED = 1000


class FoldedText:
    """A text as it is compared: without case, accents and invisible characters, with plain quotes and dashes, and with
    every run of white space as one blank. Remembers where each character came from."""

    def __init__(self, text: str) -> None:
        self.source = text
        self._origin: Sequence[int]
        if text.isascii() and not _BLANKS_TO_DROP.search(text):  # most reviews: a character stays one
            self.text, self._origin = text.translate(_ASCII).lower(), range(len(text))
        else:
            self.text, self._origin = _folded(text)

    def find(self, words: str) -> str | None:
        """The source's own words where `words` first occur as whole words, on one line; None if they do not."""
        needle = FoldedText(words).text.strip()
        start = -1
        for _ in range(_PLACES_TRIED if needle else 0):
            start = self.text.find(needle, start + 1)
            if start < 0:
                break
            end = start + len(needle)
            if not (self._splits_word(start) or self._splits_word(end)):
                return clean_value(self.source[self._origin[start] : self._origin[end - 1] + 1])
        return None

    def _splits_word(self, at: int) -> bool:
        # Only scripts with case write their words apart for certain.
        return 0 < at < len(self.text) and _in_word(self.text[at - 1]) and _in_word(self.text[at])


def ground(opinions: Sequence[Opinion], review: str) -> tuple[tuple[Opinion, ...], tuple[Dropped, ...]]:
    """The opinions whose evidence, and target unless null, occur in the review; and the others with a reason.

    Compared without regard to case, accents, white space and the shape of quotes and dashes, and at word borders. A
    kept opinion holds the review's own spelling. Reasons: evidence, target, repeat.
    """
    folded = FoldedText(review)
    kept: dict[Opinion, None] = {}
    dropped: list[Dropped] = []
    for opinion in opinions:
        evidence = _quoted(folded, opinion.evidence)
        target = None if opinion.target is None else _quoted(folded, opinion.target)
        if evidence is None:
            dropped.append(Dropped("evidence", opinion.evidence))
        elif target is None and opinion.target is not None:
            dropped.append(Dropped("target", opinion.target))
        else:
            grounded = opinion.model_copy(update={"evidence": evidence, "target": target})
            if grounded in kept:
                dropped.append(Dropped("repeat", evidence))
            kept[grounded] = None
    return tuple(kept), tuple(dropped)


def _quoted(folded: FoldedText, words: str) -> str | None:
    """What is found of a quotation, also where the model put quotes around it or a full stop after it."""
    return folded.find(words) or folded.find(words.strip(" \"'“”‘’«»`.,;"))


def _folded(text: str) -> tuple[str, list[int]]:
    """The text as it is compared, and of each of its characters the place in `text`."""
    pieces: list[str] = []
    origin: list[int] = []
    blank = True
    for i, character in enumerate(text):
        folded = _fold(character)
        if folded.isspace():
            folded = "" if blank else " "
            blank = True
        elif folded:
            blank = False
        pieces.append(folded)
        origin.extend([i] * len(folded))
    return "".join(pieces), origin


def _fold(character: str) -> str:
    plain = _QUOTES.get(character)
    if plain is not None or character.isascii():
        return plain or character.lower()
    parts = unicodedata.normalize("NFKD", character).casefold()
    return "".join(_QUOTES.get(c, c) for c in parts if unicodedata.category(c) not in ("Mn", "Cf"))


def _in_word(character: str) -> bool:
    return character.islower() or character.isdigit()

"""Where sentences end, as far as punctuation tells: to find the tail of an answer that was cut."""

import re
import unicodedata

_MARKS = ".!?…。！？।؟۔"
_CLOSING = "\"'”’»)]}*_`"
_END = re.compile(r"[.!?…][\"'”’»)\]*]{0,4}(?= |$)|[。！？।؟۔]")
_SHORT_FORM = re.compile(r"(?:^|[ (])(?:[a-z]|e\.g|i\.e|etc|vs|mr|mrs|ms|dr|st|no|approx|inc)\.$", re.I)


def ends_whole(text: str) -> bool:
    """Whether a text ends like a sentence: in a mark, a closing quote or bracket, or a symbol such as an emoji."""
    last = text.rstrip()[-1:]
    return bool(last) and (last in _MARKS or last in _CLOSING or unicodedata.category(last) in ("So", "Sk", "Mn", "Cf"))


def sentence_ends(line: str) -> list[int]:
    """The places in a line, whose runs of white space are one blank each, after which a sentence has ended."""
    ends = (found.span() for found in _END.finditer(line))
    # Eight characters before the mark hold any short form.
    return [end for start, end in ends if not _SHORT_FORM.search(line, max(0, start - 8), end)]

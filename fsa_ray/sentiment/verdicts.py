"""Whether a teacher's answer can be taught: the rules for each kind of answer, each with a one-word reason."""

import re
from dataclasses import dataclass

from fsa_ray.schemas.opinion import Opinion, Polarity
from fsa_ray.sentiment.answers import Dropped, clean_value, parse_analysis
from fsa_ray.sentiment.grounding import FoldedText, ground
from fsa_ray.sentiment.interpretation import Judgement, is_grounded, read_interpretation, says_nothing
from fsa_ray.sentiment.noise import clean
from fsa_ray.sentiment.prompts import MOST_OPINIONS

LEAST_GROUNDED = 0.5
"""Share of an answer's opinions that must be grounded in the review, or the answer counts as invented."""

# Calibrated on rewritings by Mixtral of restaurant and computer reviews: their length ratio was 0.9 to 7.7, they kept
# 0.12 to 0.83 of the review's longer words, and at most 0.15 of their word triples were the review's.
SHORTEST_RATIO, LONGEST_RATIO, FREE_WORDS = 0.25, 8.0, 40
LEAST_OVERLAP = 0.1
MOST_COPIED = 0.8
MOST_REPEATED = 0.5

_REFUSAL = re.compile(
    r"\b(as an ai\b|as a (large )?language model|i('m| am) (just )?an ai\b"
    r"|(cannot|can't|can not|unable to|won't|not able to|not comfortable) "
    r"(assist|help|comply|fulfil|provide|process|rewrite|analy[sz]e|complete|generate|respond|answer|with)\w*)"
)
_HEADING = re.compile(r"^[ \t]*(review|input|instruction|answer|response|opinion target \d{1,3})[ \t]*:", re.M | re.I)
_NUMBER = re.compile(r"\d\d+")
# Words of the scripts with case, and single characters of all others.
_WORD = re.compile(r"[a-z0-9\u00df-\u024f\u0370-\u052f]+|[^\W_]")
_STEM = 5


@dataclass(frozen=True)
class Verdict:
    """An answer's fate. `reason` is None if it can be taught, else one word; `detail` is for the reader.

    `dropped` are the single opinions of an accepted or refused analysis that were not kept. `judgements` are those of
    an interpretation, whose `dropped` also has what was cleaned away.
    """

    reason: str | None = None
    detail: str = ""
    polarity: Polarity | None = None
    opinions: tuple[Opinion, ...] = ()
    dropped: tuple[Dropped, ...] = ()
    judgements: tuple[Judgement, ...] = ()


def judge_analysis(answer: str, review: str, finish_reason: str | None = None) -> Verdict:
    """Read and check an analysis answer.

    Reasons: empty, refusal, cut (the token budget ended it), format, invented (too few opinions are in the review).
    Never raises, whatever the texts.
    """
    if not answer.strip():
        return Verdict("empty")
    if finish_reason == "length":
        return Verdict("cut", "the answer reached the token limit")
    read = parse_analysis(answer)
    if read.polarity is None:
        reason = "refusal" if _refuses(answer, review) else read.reason or "format"
        return Verdict(reason, clean_value(answer[:200]))
    kept, ungrounded = ground(read.opinions, review)
    dropped = (*read.dropped, *ungrounded)
    invented = [d for d in ungrounded if d.reason != "repeat"]
    if len(kept) < LEAST_GROUNDED * (len(kept) + len(invented)):
        return Verdict("invented", f"not in the review: {invented[0].said[:200]}", read.polarity, kept, dropped)
    if read.dropped and not kept:
        return Verdict("format", read.dropped[0].said[:200], read.polarity, kept, dropped)
    return Verdict(polarity=read.polarity, opinions=kept, dropped=dropped)


def judge_interpretation(answer: str, review: str, finish_reason: str | None = None) -> Verdict:
    """Clean, read and check an interpretation; `render_interpretation(verdict.judgements)` is what can be taught.

    Reasons: empty, refusal, cut (the token budget ended it before a block with its reasons was whole), format (no block
    is left), invented (too few of the blocks are about the review), repeat (it goes in circles). Words of what is
    dropped: those of reading and of cleaning, polarity (the label is none), surplus. Never raises, whatever the texts.
    """
    if not answer.strip():
        return Verdict("empty")
    cut = finish_reason == "length"
    cleaned = clean(answer, review, cut=cut)
    read = read_interpretation(cleaned.text)
    meant = [said for said in read.judgements if said.polarity is not None]
    kept = tuple(meant[:MOST_OPINIONS])
    dropped = (
        *(Dropped(part.reason, part.said) for part in cleaned.removed),
        *read.dropped,
        *(Dropped("polarity", said.label) for said in read.judgements if said.polarity is None),
        *(Dropped("surplus", said.aspect) for said in meant[MOST_OPINIONS:]),
    )
    if cut and not any(said.reasoning for said in kept):
        return Verdict("cut", "the answer reached the token limit before a block was whole", dropped=dropped)
    if not kept and says_nothing(cleaned.text):
        return Verdict(dropped=dropped)
    if not kept:
        reason = "refusal" if _refuses(answer, review) else "format"
        return Verdict(reason, clean_value(answer[:200]), dropped=dropped)
    folded = FoldedText(review)
    strange = [said for said in kept if not is_grounded(said, folded)]
    if len(kept) - len(strange) < LEAST_GROUNDED * len(kept):
        detail = f"not about the review: {strange[0].target or strange[0].aspect}"
        return Verdict("invented", detail[:200], dropped=dropped, judgements=kept)
    circles = _circles(_WORD.findall(" ".join(said.reasoning for said in kept).lower()))
    return Verdict(circles.reason, circles.detail, dropped=dropped, judgements=kept)


def judge_rewriting(answer: str, review: str, finish_reason: str | None = None) -> Verdict:
    """Check a rewritten review.

    Reasons: empty, cut, refusal, invented (another review, headings, numbers that the review lacks), repeat (it goes in
    circles), short, long, copy, drift (too little of the review is left). Never raises, whatever the texts.
    """
    unsaid = _unsaid(answer, review, finish_reason)
    if unsaid.reason is not None:
        return unsaid
    invented = _invented(answer, review)
    if invented:
        return Verdict("invented", invented)
    return _judge_words(_WORD.findall(answer.lower()), _WORD.findall(review.lower()))


def judge_text(answer: str, review: str, finish_reason: str | None = None) -> Verdict:
    """Check a free answer to an instruction about a review.

    Reasons: empty, cut, refusal, repeat (it goes in circles). Never raises, whatever the texts.
    """
    unsaid = _unsaid(answer, review, finish_reason)
    return unsaid if unsaid.reason is not None else _circles(_WORD.findall(answer.lower()))


def _unsaid(answer: str, review: str, finish_reason: str | None) -> Verdict:
    if not answer.strip():
        return Verdict("empty")
    if finish_reason == "length":
        return Verdict("cut", "the answer reached the token limit")
    if _refuses(answer, review):
        return Verdict("refusal", clean_value(answer[:200]))
    return Verdict()


def _judge_words(said: list[str], given: list[str]) -> Verdict:
    ratio = f"{len(said)} words for {len(given)}"
    if not said or len(said) < SHORTEST_RATIO * len(given):
        return Verdict("short", ratio)
    if len(said) > LONGEST_RATIO * len(given) + FREE_WORDS:
        return Verdict("long", ratio)
    circles, triples = _circles(said), _triples(said)
    if circles.reason is not None:
        return circles
    if said == given or len(triples & _triples(given)) >= MOST_COPIED * max(1, len(triples)):
        return Verdict("copy", f"{len(triples & _triples(given))} of {len(triples)} word triples are the review's")
    stems = {word[:_STEM] for word in given if len(word) > 3} or set(given)
    left = stems & {word[:_STEM] for word in said}
    if len(left) < LEAST_OVERLAP * len(stems):
        return Verdict("drift", f"{len(left)} of {len(stems)} longer words of the review are left")
    return Verdict()


def _circles(said: list[str]) -> Verdict:
    triples = _triples(said)
    if len(triples) < MOST_REPEATED * (len(said) - 2):
        return Verdict("repeat", f"{len(triples)} different word triples in {len(said)} words")
    return Verdict()


def _triples(words: list[str]) -> set[tuple[str, ...]]:
    return set(zip(words, words[1:], words[2:], strict=False))


def _refuses(answer: str, review: str) -> bool:
    found = _REFUSAL.search(answer[:300].lower().replace("’", "'"))
    return found is not None and found[0] not in review.lower().replace("’", "'")


def _invented(answer: str, review: str) -> str:
    heading = _HEADING.search(answer)
    if heading is not None and heading[0].strip().lower() not in review.lower():
        return f"a heading of its own: {heading[0].strip()}"
    given = set(_NUMBER.findall(review))
    number = next((n for n in _NUMBER.findall(answer) if n not in given), None)
    return f"a number that the review lacks: {number[:40]}" if number else ""

"""Which lines of a teacher's answer are not the answer: another review, its confidence, remarks, talk about the task.

Lines are given with runs of white space as one blank. Every pattern is bounded, so that a line of any length costs
little; all are looked for at the start of a line unless said otherwise.
"""

import re
from typing import Literal

Reason = Literal["invented", "repeat", "confidence", "remark", "comment", "cut"]

_LEAD = r"[\W_]{0,8}"

_ANOTHER = re.compile(
    _LEAD + r"(?:"
    r"(?:(?:example|next|new|another|second|user|customer|product|sample|test|original|first) ){0,2}"
    r"(?:reviews?|inputs?|texts?|user input) ?(?:#|no\. ?)?\d{0,4}[*_]{0,3} ?:|example ?#?\d{1,4}[*_]{0,3} ?:"
    r"|example (?:outputs?|answers?|responses?|analys[ie]s) ?\d{0,4}[*_]{0,3} ?:"
    r"|(?:your task|task|instructions?|prompt|question) ?\d{0,4}[*_]{0,3} ?:"
    r"|(?:now,? )?consider (?:the following|these|this|another|the next)\b.{0,40}\breviews?\b"
    r"|(?:now,? )?(?:let['’]?s|let us) (?:now )?(?:analy[sz]e|look at|consider|try|rewrite|take)\b.{0,30}"
    r"\b(?:another|following|next|new|second|more)\b.{0,20}\b(?:reviews?|examples?|texts?|inputs?|one)\b"
    r"|(?:now,? )?(?:analy[sz]e|rewrite) (?:another|the (?:following|next))\b.{0,30}\b(?:reviews?|texts?)\b"
    r"|here(?: is|['’]s| are) (?:another|a new|the next|some more|more)\b.{0,30}\b(?:reviews?|texts?)\b"
    r")",
    re.I,
)
_LABEL = re.compile(
    r"(?:" + _LEAD + r"(?:(?:sure|certainly|of course|absolutely)[!,.:]{0,2} ?)?"
    r"(?:(?:the )?(?:rewritten|rewrite|revised|paraphrased|updated)(?: (?:review|version|text))?"
    r"|here(?: is|['’]s) (?:the|a|my|your) [a-z ]{0,40}?(?:review|version|rewriting|answer|analysis|text)"
    r"|(?:(?:user|customer|original|input) )?(?:review|text|input)|response|answer|output|final answer)"
    r"[*_]{0,3} ?:[*_ ]{0,4})+",
    re.I,
)
_AGAIN = re.compile(
    _LEAD + r"(?:(?:the )?(?:rewritten|rewrite|revised|paraphrased|updated)(?: (?:review|version|text))?"
    r"|response(?: format)?|answer(?: the question)?|output|final answer)[*_]{0,3} ?:"
    r"|[\"']opinion target|[\[{] ?[\"'{\[]|```",
    re.I,
)
_CONFIDENCE = re.compile(
    _LEAD + r"(?:(?:my |overall )?confidence(?: \w{1,20}){0,3}[*_]{0,3} ?[:=].{0,60}"
    r"|\d{1,3}(?:\.\d{1,3})? ?%(?: (?:confiden\w{1,6}|sure|certain))?\W{0,4})$",
    re.I,
)
_CONFIDENCE_LAST = re.compile(
    r"[ (\[]{1,3}confidence(?: (?:rating|level|score))? ?[:=] ?\d{1,3}(?:\.\d{1,3})? ?%[)\].]{0,3}$", re.I
)
_REMARK = re.compile(
    _LEAD + r"(?:consent|id|(?:user|review) ?id|references?|reference\(s\)|disclaimer|word count|tags)[*_]{0,3} ?:",
    re.I,
)
_ADDRESS = re.compile(
    _LEAD + r"(?:note\b|n\.?b\.?\b|please\b|remember\b|keep in mind\b|private comment|continue with\b|provide\b"
    r"|analy[sz]e\b|do not\b|don['’]t\b|as (?:instructed|requested|you mentioned|per)\b|i hope\b|let me know\b"
    r"|(?:the|this) (?:updated|revised|rewritten|paraphrased|final part|exercise|prompt)\b"
    r"|in (?:this|the) (?:exercise|prompt|task|example)\b|i(?: have|['’]ve)? (?:rewritten|rephrased|followed)\b)",
    re.I,
)
# Words that a customer hardly uses: "the instructions" and "this version" are those of a product.
_TASK = re.compile(
    r"\b(?:prompts?|(?:your|given|provided) (?:instructions?|task|analysis|answer)|(?:the|this) task|rewrit\w{0,4}"
    r"|(?:the|this|your|user|original|revised|updated) reviews?|analys[ie]s|sentiments?|opinion targets?|exercise)\b",
    re.I,
)
# Also in the middle of a line: nobody says this about a product.
_TOLD = re.compile(
    r"\b(?:do not simply label|do not change or rearrange|explain how the (?:comment|phrase|word|statement|review)"
    r"|in this prompt|in json format|no input from you|opinion targets? (?:and|or) aspects?)\b",
    re.I,
)
_HEADING = re.compile(r"[\W_]{0,8}[^\W\d_][\w()/' ]{0,40}[*_]{0,3}:(?: |$)")
_SEEN = 400


def names_another(line: str) -> bool:
    """Whether a line announces another review, example or task than the one asked about."""
    return _ANOTHER.match(line) is not None


def label_end(line: str) -> int:
    """Where the answer starts in a first line such as "Rewritten review: I loved ..."; 0 if nothing precedes it."""
    found = _LABEL.match(line)
    return found.end() if found else 0


def without_confidence(line: str) -> str:
    """A line without the percentage of confidence at its end."""
    end = len(line)
    while (start := confidence_before(line, end)) is not None:
        end = start
    return line[:end].rstrip()


def confidence_before(line: str, end: int) -> int | None:
    """Where a percentage of confidence starts that ends at `end`."""
    found = _CONFIDENCE_LAST.search(line, max(0, end - 60), end)
    return found.start() if found else None


def heads(line: str) -> bool:
    """Whether a line starts with a heading of any kind, a word or some and a colon."""
    return _HEADING.match(line) is not None


def addresses(line: str) -> bool:
    """Whether a line speaks to a reader: about the task, if it is no part of the answer."""
    return _ADDRESS.match(line) is not None


def why_noise(line: str) -> Reason | None:
    """Why a line is no part of an answer: confidence, remark, comment (on the task), repeat (the answer starts again,
    as a list perhaps); None if it may be a part."""
    if _CONFIDENCE.match(line):
        return "confidence"
    if _REMARK.match(line):
        return "remark"
    seen = line[:_SEEN]
    if _TOLD.search(seen) or (_ADDRESS.match(seen) and _TASK.search(seen)):
        return "comment"
    return "repeat" if _AGAIN.match(line) else None

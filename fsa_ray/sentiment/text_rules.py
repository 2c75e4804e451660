"""The rules that a review's text must meet to be taught from, and what happens to the others."""

from typing import NamedTuple, Self

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict, Field, model_validator

from fsa_ray.schemas.rows import REJECT, REVIEW
from fsa_ray.sentiment.language import check_languages, languages
from fsa_ray.sentiment.masking import mask_contacts

_DAMAGED_SHARE = 0.02
"""A text of which more is U+FFFD was decoded from another encoding; a single one is a slip within a good review."""


class TextRules(BaseModel):
    """What is asked of a review. `languages` () asks nothing; texts too short to judge pass."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    min_chars: int = Field(default=1, ge=1)
    max_chars: int = Field(default=20_000, ge=1)
    languages: tuple[str, ...] = ()
    mask_contacts: bool = False

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.min_chars > self.max_chars:
            raise ValueError(f"min_chars {self.min_chars} is above max_chars {self.max_chars}: no text meets both")
        if self.languages:
            check_languages(self.languages)
        return self


class Admitted(NamedTuple):
    """`kept` (schema REVIEW) and `rejects` (schema REJECT) share the rows between them, each in the order given;
    `masked` is the number of texts, kept or not, in which something was masked."""

    kept: pa.Table
    rejects: pa.Table
    masked: int


def admit(reviews: pa.Table, rules: TextRules) -> Admitted:
    """Part reviews (schema REVIEW) by the rules. Characters are counted without white space at both ends, which kept
    texts lose.

    Reasons, the first that applies: empty, nul (holds NUL characters), encoding (damaged by decoding), short, long,
    language. With `mask_contacts` the texts of both tables are masked.
    """
    table = reviews.select(REVIEW.names).cast(REVIEW).combine_chunks()
    given = pc.fill_null(_column(table, "text"), "")
    trimmed = pc.utf8_trim_whitespace(given)
    reason, detail = _judge(trimmed, rules)
    text = mask_contacts(trimmed) if rules.mask_contacts else trimmed
    table = table.set_column(REVIEW.get_field_index("text"), REVIEW.field("text"), text)
    refused = pc.is_valid(reason)
    parent = table.column("id")
    rejects = pa.table([parent, parent, table.column("source_id"), reason, detail, text], schema=REJECT).filter(refused)
    masked = pc.sum(pc.not_equal(text, trimmed)).as_py() or 0
    return Admitted(table.filter(pc.invert(refused)), rejects, masked)


def _judge(texts: pa.Array, rules: TextRules) -> tuple[pa.Array, pa.Array]:
    """Reason and detail for each text, null where it is kept."""
    length = pc.utf8_length(texts)
    damage = pc.count_substring(texts, "\ufffd")
    characters = pc.binary_join_element_wise(length.cast(pa.string()), "characters", " ")
    rest = pa.repeat(pa.scalar(True), len(texts))
    reason: pa.Array = pa.nulls(len(texts), pa.string())
    detail: pa.Array = pa.nulls(len(texts), pa.string())
    for word, broken, said in (
        ("empty", pc.equal(length, 0), "no text"),
        ("nul", pc.match_substring(texts, "\0"), "holds NUL characters: is it a text file?"),
        ("encoding", pc.greater(damage, pc.multiply(length, _DAMAGED_SHARE)), "holds U+FFFD: is it UTF-8?"),
        ("short", pc.less(length, rules.min_chars), characters),
        ("long", pc.greater(length, rules.max_chars), characters),
    ):
        here = pc.and_(rest, broken)
        reason, detail = pc.if_else(here, word, reason), pc.if_else(here, said, detail)
        rest = pc.and_(rest, pc.invert(broken))
    if rules.languages:
        guessed = pc.if_else(rest, languages(pc.if_else(rest, texts, "")), None)
        foreign = pc.and_(pc.is_valid(guessed), pc.invert(pc.is_in(guessed, pa.array(rules.languages))))
        reason, detail = pc.if_else(foreign, "language", reason), pc.if_else(foreign, guessed, detail)
    return reason, detail


def _column(table: pa.Table, name: str) -> pa.Array:
    column = table.column(name)
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()

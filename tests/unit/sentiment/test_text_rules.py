import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsa_ray.schemas.rows import REJECT, REVIEW
from fsa_ray.sentiment.row_ids import row_ids
from fsa_ray.sentiment.text_rules import TextRules, admit


def reviews(*texts: str) -> pa.Table:
    column = pa.array(texts, pa.string())
    numbers = pa.array([f"file:{i}" for i in range(len(texts))], pa.string())
    return pa.table([row_ids(column), numbers, pa.nulls(len(texts), pa.string()), column], schema=REVIEW)


def test_each_rule_has_its_reason() -> None:
    texts = [
        "fine enough",
        " \n\u3000",
        "a\0b",
        "caf\ufffd ol\ufffd",
        "short",
        "x" * 101,
        "a slip \ufffd" + " in it" * 12,
    ]
    given = reviews(*texts)
    result = admit(given, TextRules(min_chars=6, max_chars=100))
    assert result.kept.column("text").to_pylist() == [texts[0], texts[6]]
    assert result.rejects.column("reason").to_pylist() == ["empty", "nul", "encoding", "short", "long"]
    assert result.rejects.column("detail").to_pylist()[3:] == ["5 characters", "101 characters"]
    assert result.rejects.column("parent") == result.rejects.column("id") == given.column("id").slice(1, 5)
    assert result.masked == 0


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=30), max_size=20), st.booleans())
def test_every_row_is_kept_or_rejected_once(texts: list[str], masked: bool) -> None:
    given = reviews(*texts)
    result = admit(given, TextRules(min_chars=3, max_chars=10, mask_contacts=masked))
    assert result.kept.schema == REVIEW and result.rejects.schema == REJECT
    assert result.rejects.column("reason").null_count == 0
    ids = result.kept.column("id").to_pylist() + result.rejects.column("id").to_pylist()
    assert sorted(ids) == sorted(given.column("id").to_pylist())


def test_emoji_and_right_to_left_text_are_reviews() -> None:
    texts = ["👩‍👩‍👧‍👦🙂", "المكان جميل \u200fجدا", "x" * 20_000]
    assert admit(reviews(*texts), TextRules()).kept.column("text").to_pylist() == texts
    assert admit(reviews("z" * 1_000_000), TextRules()).rejects.column("reason").to_pylist() == ["long"]


def test_contacts_are_masked_in_both_tables() -> None:
    result = admit(
        reviews("ask me@example.com", "a@example.com", "nothing"), TextRules(min_chars=8, mask_contacts=True)
    )
    assert result.kept.column("text").to_pylist() == ["ask [email]", "[email]"]
    assert result.rejects.column("text").to_pylist() == ["nothing"] and result.masked == 2


def test_languages() -> None:
    texts = [
        "The food was lovely and the staff friendly.",
        "Das Essen war köstlich und die Bedienung freundlich.",
        "ok",
    ]
    result = admit(reviews(*texts), TextRules(languages=("en",)))
    assert result.kept.column("text").to_pylist() == [texts[0], "ok"]
    assert result.rejects.select(["reason", "detail"]).to_pylist() == [{"reason": "language", "detail": "de"}]
    assert admit(reviews(), TextRules(languages=("en", "de"))).kept.num_rows == 0


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({"min_chars": -1}, "greater"),
        ({"min_chars": 9, "max_chars": 3}, "no text"),
        ({"languages": ("english",)}, "ISO"),
    ],
)
def test_rules_that_cannot_be_met_are_refused(rules: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TextRules(**rules)  # type: ignore[arg-type]

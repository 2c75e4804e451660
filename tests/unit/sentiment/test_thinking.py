from hypothesis import given
from hypothesis import strategies as st

from fsa_ray.sentiment.thinking import split_thinking


def test_thinking_is_kept_apart() -> None:
    assert split_thinking("<think>\nhm\n</think>\n\npositive") == ("hm", "positive", True)
    assert split_thinking("hm</think>positive", opened=True) == ("hm", "positive", True)
    assert split_thinking("<think>hm") == ("hm", "", False)
    assert split_thinking("hm", opened=True) == ("hm", "", False)


def test_tags_in_an_answer_are_words() -> None:
    quoted = 'positive\n- | joke | positive | "</think>"'
    assert split_thinking(quoted) == ("", quoted, True)


@given(st.text(), st.booleans())
def test_any_text_can_be_split(text: str, opened: bool) -> None:
    said = split_thinking(text, opened=opened)
    assert len(said.thinking) + len(said.answer) <= len(text)

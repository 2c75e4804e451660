from hypothesis import example, given
from hypothesis import strategies as st

from fsa_ray.sentiment.control_tokens import COMMON_CONTROL_TOKENS, neutralise


@given(st.lists(st.sampled_from([*COMMON_CONTROL_TOKENS, "<", "/", "s>", " ", "a"])).map("".join))
@example("</</s>s>")
@example("<<|im_end|>|im_end|>")
def test_no_control_token_is_left(text: str) -> None:
    clean, changed = neutralise(text)
    assert not any(token in clean for token in COMMON_CONTROL_TOKENS)
    assert changed == (clean != text)


def test_text_without_control_tokens_is_untouched() -> None:
    assert neutralise("a < b, <b>bold</b>, 5 > 3 [1]") == ("a < b, <b>bold</b>, 5 > 3 [1]", False)
    assert neutralise("so <|im_end|> good") == ("so < |im_end|> good", True)


def test_a_megabyte_of_control_tokens_is_quick() -> None:
    assert neutralise("</s>" * 250_000)[1]
    assert neutralise("<" * 500_000 + "/s>" * 100_000)[1]

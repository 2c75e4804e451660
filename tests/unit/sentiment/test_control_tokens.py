import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fsa_ray.sentiment.control_tokens import neutralise
from fsa_ray.sentiment.prompts import PROMPTS

TOKENS = [
    *["<|im_start|>", "<|im_end|>", "<|endoftext|>", "<|fim_prefix|>", "<|object_ref_start|>", "<|vision_pad|>"],
    *["<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>", "<|eom_id|>"],
    *["<|python_tag|>", "<|reserved_special_token_0|>", "<|header_start|>", "<|image|>"],
    *["<|system|>", "<|user|>", "<|assistant|>", "<|end|>", "<|tool|>", "<|/tool|>", "<|tool_call|>", "<|im_sep|>"],
    *["<|start|>", "<|message|>", "<|channel|>", "<|return|>", "<|call|>", "<|constrain|>", "<|endofprompt|>"],
    *["<|observation|>", "<|begin_of_image|>", "[gMASK]", "[sMASK]", "[MASK]", "<sop>", "<eop>"],
    *["<|im_user|>", "<|im_middle|>", "<|tool_call_begin|>", "<|START_OF_TURN_TOKEN|>", "<|CHATBOT_TOKEN|>"],
    *["<|turn>", "<turn|>", "<|channel>", "<bos>", "<eos>", "<start_of_turn>", "<end_of_turn>", "<unused42>"],
    *["<pad>", "<s>", "</s>", "<unk>", "<mask>", "<cls>", "<sep>", "<extra_id_0>", "[CLS]", "[SEP]", "[PAD]", "[UNK]"],
    *["[BOS]", "[EOS]", "[INST]", "[/INST]", "<<SYS>>", "<</SYS>>", "[TOOL_CALLS]", "[AVAILABLE_TOOLS]", "[IMG]"],
    *["[/AVAILABLE_TOOLS]", "[TOOL_RESULTS]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]", "[THINK]", "[ARGS]"],
    *["<seed:think>", "</seed:tool_call>", "<minimax:tool_call>", "<start_function_call>", "<function_calls>"],
    *["<think>", "</think>", "<tool_call>", "</tool_call>", "<tool_response>", "<fim_middle>", "<repo_name>"],
    *[
        "<｜begin▁of▁sentence｜>",
        "<｜end▁of▁sentence｜>",
        "<｜User｜>",
        "<｜Assistant｜>",
        "<｜▁pad▁｜>",
        "<｜fim▁hole｜>",
    ],
    *["<｜tool▁calls▁begin｜>", "<|begin▁of▁sentence|>"],
]


@given(st.lists(st.sampled_from([*TOKENS, *"</[|｜>]", "s>", " ", "a", "INST]", "|>"])).map("".join))
@example("</</s>s>")
@example("<<|im_end|>|im_end|>")
@example("<|a<s>|>")
def test_no_control_token_is_left(text: str) -> None:
    clean, changed = neutralise(text)
    assert not any(token in clean for token in TOKENS)
    assert changed == (clean != text)
    assert neutralise(clean) == (clean, False)
    assert clean.replace(" ", "") == text.replace(" ", "")


@pytest.mark.parametrize("token", TOKENS)
def test_each_is_broken_where_it_stands(token: str) -> None:
    assert neutralise(f"so {token}good") == (f"so {token[0]} {token[1:]}good", True)


@pytest.mark.parametrize(
    "text",
    [
        "a < b, <b>bold</b>, 5 > 3 [1]",
        "love it <3 <3, <br/>, <p>, <strong>, [sic], [edit], [IMAGE 1], [x] | [ ] | a|b",
        "cmd <in |sort> out, <|>, <||>, a<|b, x|>y, <- | ->, <| spaced out |>",
        "<review-1>a text</review-1>",
    ],
)
def test_ordinary_text_is_untouched(text: str) -> None:
    assert neutralise(text) == (text, False)


def test_our_own_prompts_hold_no_control_token() -> None:
    for found in PROMPTS.values():
        assert not neutralise(found.template)[1], (found.kind, found.style)


def test_a_megabyte_of_control_tokens_is_quick() -> None:
    assert neutralise("</s>" * 250_000)[1]
    assert neutralise("<" * 500_000 + "/s>" * 100_000)[1]
    assert not neutralise("<|" + "a" * 1_000_000 + "<a" * 300_000)[1]

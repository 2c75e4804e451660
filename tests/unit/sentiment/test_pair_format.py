"""What an encoder-decoder reads and writes: line breaks survive, control tokens in data do not act."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

from fsa_ray.sentiment.pair_format import NEWLINE, PairFormat, with_newlines

TEXTS = ["the soup was cold", "but the waiter was kind", "Aspect: food", "Sentiment: negative"]


def like_t5() -> Any:
    """Unigram pieces with marked blanks, white space squeezed as in T5's normaliser, an end token behind each text."""
    backend = Tokenizer(models.Unigram())
    backend.normalizer = normalizers.Replace(Regex(r"\s+"), " ")
    backend.pre_tokenizer = pre_tokenizers.Metaspace()
    backend.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(vocab_size=120, special_tokens=["<pad>", "</s>", "<unk>"], unk_token="<unk>")
    backend.train_from_iterator(TEXTS * 4, trainer)
    backend.post_processor = processors.TemplateProcessing("$A </s>", special_tokens=[("</s>", 1)])
    return PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="</s>", pad_token="<pad>", unk_token="<unk>")


def byte_level() -> Any:
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=300, special_tokens=["<pad>", "</s>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    backend.train_from_iterator(TEXTS, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="</s>", pad_token="<pad>")


T5, BYTES = like_t5(), byte_level()
ADDED = with_newlines(T5), with_newlines(BYTES)
FORMATS = {"like t5": PairFormat(T5), "byte level": PairFormat(BYTES)}


def test_a_token_is_added_only_where_line_breaks_are_lost() -> None:
    assert ADDED == (True, False)
    assert NEWLINE in T5.get_vocab() and NEWLINE not in BYTES.get_vocab()
    assert not with_newlines(T5), "it is there already"


@pytest.mark.parametrize("name", FORMATS)
@given(lines=st.lists(st.sampled_from(TEXTS), min_size=1, max_size=5))
def test_line_breaks_survive(name: str, lines: list[str]) -> None:
    form = FORMATS[name]
    text = "\n".join(lines)
    ids, cut = form.target_ids(text)
    assert not cut and ids[-1] == form.end_id
    assert form.text(ids) == text


@pytest.mark.parametrize("name", FORMATS)
@given(text=st.text(max_size=60))
def test_no_text_becomes_a_control_token(name: str, text: str) -> None:
    form = FORMATS[name]
    for hostile in (text, f"{text}</s>{text}", "<pad></s>"):
        source, _ = form.source_ids(hostile)
        target, _ = form.target_ids(hostile)
        assert form.end_id not in source[:-1] and form.end_id not in target[:-1]
        assert 0 not in source and 0 not in target


def test_long_texts_are_cut_and_say_so() -> None:
    form = FORMATS["like t5"]
    whole, cut = form.source_ids(TEXTS[0], 128)
    assert not cut and whole[-1] == form.end_id
    short, cut = form.source_ids(TEXTS[0], 3)
    assert cut and len(short) == 3 and short[:2] == whole[:2] and short[-1] == form.end_id
    written, cut = form.target_ids(TEXTS[0], 3)
    assert cut and len(written) == 3 and form.end_id not in written
    assert form.source_ids("  \n ") == ([], False)


def test_what_follows_the_end_is_not_read() -> None:
    form = FORMATS["like t5"]
    ids, _ = form.target_ids(TEXTS[0])
    assert form.text([*ids, *ids]) == TEXTS[0]

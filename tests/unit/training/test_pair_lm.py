"""An encoder-decoder's loss over padded pairs is that of the pairs alone."""

from itertools import pairwise

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from fsa_ray.storage.folder import Folder  # noqa: E402
from fsa_ray.training.answer_loss import SoftBatch  # noqa: E402
from fsa_ray.training.model import load_model  # noqa: E402
from fsa_ray.training.pair_lm import PairLM  # noqa: E402
from fsa_ray.training.pair_rows import PairRows  # noqa: E402
from fsa_ray.training.pairing import TokenPair, pair_table  # noqa: E402
from fsa_ray.training.probe import find_scale  # noqa: E402
from fsa_ray.training.settings import ModelSource, SoftLabels  # noqa: E402
from fsa_ray.training.soft_targets import label_words  # noqa: E402

T5 = {
    "model_type": "t5",
    "vocab_size": 97,
    "d_model": 32,
    "d_kv": 8,
    "d_ff": 48,
    "num_layers": 2,
    "num_heads": 4,
    "dropout_rate": 0.0,
}
UNTIED = {**T5, "tie_word_embeddings": False, "feed_forward_proj": "gated-gelu"}
BART = {
    "model_type": "bart",
    "vocab_size": 97,
    "d_model": 32,
    "encoder_layers": 1,
    "decoder_layers": 1,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 48,
    "decoder_ffn_dim": 48,
    "dropout": 0.0,
    "max_position_embeddings": 64,
}
NONE, ONE = np.array([], np.int32), np.array([1], np.int32)
CONFIGS = {"t5": T5, "untied t5": UNTIED, "bart": BART}


def load(config: dict, soft: SoftLabels | None = None) -> PairLM:
    lm = PairLM(load_model(Folder("."), ModelSource(config=config, seed=3), torch.float32), soft)
    find_scale(lm, torch.device("cpu"))
    return lm


def pairs(words: bool = False) -> list[TokenPair]:
    random = np.random.default_rng(0)
    found = []
    for number in range(12):
        source, target = (random.integers(3, 97, random.integers(1, 20), dtype=np.int32) for _ in "st")
        told = label_words([5, 9, 11], [-0.5, -1.5, -3.0 - number]) if words and number % 3 else None
        found.append(TokenPair(str(number), source, target, False, told))
    return found


def batch(rows: PairRows, numbers: list[int], soft: bool = False) -> dict:
    chosen = np.array(numbers)
    arrays = rows.arrays(chosen)
    tensors: dict = {name: torch.from_numpy(array) for name, array in arrays.items()}
    if soft:
        assert rows.soft is not None
        row, place, tokens, logprobs = rows.soft.of_rows(chosen)
        places = rows.soft_places(row, place, arrays)
        tensors["soft"] = SoftBatch(*(torch.from_numpy(part) for part in (places, tokens, logprobs)))
    return tensors


@pytest.mark.parametrize("name", CONFIGS)
def test_the_loss_of_padded_pairs_is_that_of_the_pairs_alone(name):
    lm = load(CONFIGS[name])
    rows = PairRows.of(pair_table(pairs(), seed=1).rows)
    together, _ = lm(**batch(rows, list(range(12))))
    alone = torch.zeros(())
    for number in range(12):
        tensors = batch(rows, [number])
        out = lm.model(input_ids=tensors["tokens"], labels=tensors["labels"], use_cache=False)
        alone = alone + out.loss * (tensors["labels"] != -100).sum()
    torch.testing.assert_close(together, alone, rtol=1e-5, atol=1e-4)


def test_the_head_is_known_to_be_a_matrix_and_chunks_change_nothing():
    for name, config in CONFIGS.items():
        lm = load(config)
        tied_t5 = name == "t5"
        assert lm.scale == (pytest.approx(32**-0.5) if tied_t5 else 1.0), name
        rows = PairRows.of(pair_table(pairs(), seed=1).rows)
        tensors = batch(rows, list(range(12)))
        whole, _ = lm(**tensors)
        lm.chunk = 7
        torch.testing.assert_close(lm(**tensors)[0], whole)
        lm.scale = None
        torch.testing.assert_close(lm(**tensors)[0], whole)


def test_soft_labels_are_looked_up_where_each_answer_begins():
    lm = load(T5, SoftLabels())
    rows = PairRows.of(pair_table(pairs(words=True), seed=1).rows)
    _, together = lm(**batch(rows, list(range(12)), soft=True))
    each = [lm(**batch(rows, [number], soft=True))[1] for number in range(12)]
    assert sum(value.item() > 0 for value in each) == 8
    torch.testing.assert_close(together, torch.stack(each).sum(), rtol=1e-5, atol=1e-5)


def test_pairs_are_dealt_by_length_and_each_once():
    rows = PairRows.of(pair_table(pairs(), seed=1).rows)
    dealt = rows.dealt(np.arange(12), workers=2, micro_batch=2)
    assert dealt.shape == (2, 3, 2) and sorted(dealt.reshape(-1).tolist()) == list(range(12))
    size = rows.source.lengths + rows.target.lengths
    in_turn = [size[dealt[:, turn]] for turn in range(3)]
    assert all(a.min() >= b.max() for a, b in pairwise(in_turn))


def test_empty_texts_are_rejects():
    found = pair_table([TokenPair("a", NONE, ONE, False), TokenPair("b", ONE, NONE, False), *pairs()], seed=0)
    assert found.rejects.to_pylist() == [
        {"id": "a", "reason": "no_prompt", "detail": "0 and 1 tokens"},
        {"id": "b", "reason": "no_answer", "detail": "1 and 0 tokens"},
    ]
    assert len(found.rows) == len(found.members) == 12

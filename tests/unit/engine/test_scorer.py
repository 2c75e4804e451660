"""Scores against the forward pass of one pair at a time and the float64 reference."""

import random
from pathlib import Path

import pyarrow as pa
import pytest
import torch
from transformers import AutoModelForCausalLM, Gemma2Config, Gemma2ForCausalLM, Qwen3Config, Qwen3ForCausalLM

from fsa_ray.engine.scorer import Pair, ScoreExamples, ScorePlacement, Scorer
from fsa_ray.sentiment.difficulty import perplexity, ranking_difficulty, ranks_and_nuclei


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("proxy")
    torch.manual_seed(1)
    config = Qwen3Config(
        vocab_size=300,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=16,
        initializer_range=0.3,
    )
    Qwen3ForCausalLM(config).save_pretrained(folder)
    return str(folder)


def some_pairs(count: int = 40) -> list[Pair]:
    rng = random.Random(5)
    return [
        Pair([rng.randrange(300) for _ in range(rng.randrange(1, 60) + answer)], answer)
        for answer in (rng.randrange(1, 30) for _ in range(count))
    ]


def slow(path: str, pair: Pair, count_top: bool) -> tuple[float, float]:
    """Difficulty and perplexity of one pair, alone in its pass."""
    with torch.inference_mode():
        loaded = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32)
        logits = loaded(torch.tensor([pair.ids])).logits[0, -pair.answer - 1 : -1]
    targets = torch.tensor(pair.ids[-pair.answer :])
    ranks, nuclei = ranks_and_nuclei(logits.numpy(), targets.numpy())
    logprobs = logits.double().log_softmax(1).gather(1, targets[:, None])[:, 0].numpy()
    bounds = [0, pair.answer]
    hard = ranking_difficulty(ranks, nuclei, bounds, include_first=count_top)
    return float(hard[0]), float(perplexity(logprobs, bounds)[0])


@pytest.mark.parametrize("count_top", [False, True])
def test_equal_to_one_at_a_time(model: str, count_top: bool) -> None:
    pairs = some_pairs()
    scores = Scorer(model, count_top=count_top).score(pairs)
    for pair, score in zip(pairs, scores, strict=True):
        difficulty, ppl = slow(model, pair, count_top)
        assert score.answer_tokens == pair.answer
        assert score.difficulty == pytest.approx(difficulty, abs=1e-6)
        assert score.perplexity == pytest.approx(ppl, rel=1e-4)


def test_batches_change_nothing(model: str) -> None:
    pairs = some_pairs()
    wide = Scorer(model).score(pairs)
    narrow = Scorer(model, placement=ScorePlacement(batch_tokens=1)).score(pairs)
    few_logits = Scorer(model, placement=ScorePlacement(logits_mib=1)).score(pairs * 3)
    assert [score.difficulty for score in wide] == pytest.approx([score.difficulty for score in narrow], abs=1e-6)
    assert [score.difficulty for score in wide * 3] == pytest.approx(
        [score.difficulty for score in few_logits], abs=1e-6
    )


def test_a_model_that_caps_its_logits_is_scored_on_the_capped_ones(tmp_path: Path) -> None:
    torch.manual_seed(1)
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = Gemma2Config(
        vocab_size=300, **sizes, num_key_value_heads=1, head_dim=16, initializer_range=0.3, final_logit_softcapping=2.0
    )
    Gemma2ForCausalLM(config).save_pretrained(tmp_path)
    pairs = some_pairs(8)
    for pair, score in zip(pairs, Scorer(str(tmp_path)).score(pairs), strict=True):
        assert (score.difficulty, score.perplexity) == pytest.approx(slow(str(tmp_path), pair, False), rel=1e-4)


class Given:
    def pairs(self, rows: pa.Table) -> list[Pair]:
        return [Pair(row["ids"], row["answer"]) for row in rows.to_pylist()]


def test_rows_that_cannot_be_scored_keep_their_place(model: str) -> None:
    rows = pa.table({"ids": [[1, 2, 3], [4, 5], [6] * 50, [7, 8]], "answer": [1, 0, 3, 2]})
    table, counts = ScoreExamples(Scorer(model), Given(), max_length=20)(rows)
    assert table["error"].to_pylist() == [
        None,
        "the answer has no tokens",
        "50 tokens; at most 20 are scored",
        "the prompt has no tokens",
    ]
    assert [value is None for value in table["difficulty"].to_pylist()] == [False, True, True, True]
    assert table["answer_tokens"].to_pylist() == [1, 0, 3, 2]
    assert (counts.rows, counts.failed) == (4, 3)


def test_a_missing_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="nowhere"):
        Scorer(str(tmp_path / "nowhere")).score([Pair([1, 2], 1)])

"""Each metric of examples against one forward pass an example; what happens to those that cannot be scored."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

from fsa_ray.engine.pair import Pair
from fsa_ray.engine.scorer import Scorer
from fsa_ray.sentiment.difficulty import ranking_difficulty, ranks_and_nuclei
from fsa_ray.stages.difficulty import METRICS, ChatEncoding, ScoreExamples
from fsa_ray.stages.model import HubModel
from fsa_ray.stages.score import Score
from fsa_ray.stages.tokenizer import CHAT_TEMPLATE

WORDS = ["the", "soup", "was", "cold", "but", "good", "waiter", "nobody", "came", "positive", "negative", "user"]
ROWS = [
    ("the soup was cold", "negative"),
    ("the waiter was good but nobody came", "positive soup good"),
    ("", "negative cold soup was cold"),
]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("proxy")
    vocabulary = ["<unk>", "<|im_start|>", "<|im_end|>", *WORDS]
    core = Tokenizer(models.WordLevel({word: n for n, word in enumerate(vocabulary)}, unk_token="<unk>"))
    core.pre_tokenizer = pre_tokenizers.Whitespace()
    special = {"unk_token": "<unk>", "eos_token": "<|im_end|>", "extra_special_tokens": ["<|im_start|>"]}
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=core, **special)
    tokenizer.chat_template = CHAT_TEMPLATE
    tokenizer.save_pretrained(folder)
    torch.manual_seed(1)
    config = Qwen3Config(
        vocab_size=len(vocabulary), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=1, head_dim=16, initializer_range=0.3,
    )  # fmt: skip
    Qwen3ForCausalLM(config).save_pretrained(folder)
    return str(folder)


def table(rows: Sequence[tuple[str, str]] = ROWS) -> pa.Table:
    prompts, answers = zip(*rows, strict=True)
    return pa.table({"prompt": prompts, "answer": answers})


def values(model: str, metric: str, **more: object) -> list[float]:
    score = ScoreExamples(Scorer(model), ChatEncoding(model), 64, metric=metric, **more)  # type: ignore[arg-type]
    scored, _ = score(table())
    assert scored["error"].null_count == len(ROWS)
    return [float(value) for value in scored["difficulty"].to_pylist()]


def answer_logits(model: str, prompt: str, answer: str) -> tuple[torch.Tensor, torch.Tensor]:
    ids, start = ChatEncoding(model).chat.example_ids(prompt, answer)
    with torch.inference_mode():
        logits = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32)(torch.tensor([ids])).logits
    return logits[0, start - 1 : -1], torch.tensor(ids[start:])


def slow_perplexity(model: str, prompt: str, answer: str) -> float:
    logits, targets = answer_logits(model, prompt, answer)
    return float(torch.nn.functional.cross_entropy(logits.double(), targets).exp())


@pytest.mark.parametrize("count_top", [False, True])
def test_rank_is_the_papers_difficulty(model: str, count_top: bool) -> None:
    expected = []
    for prompt, answer in ROWS:
        logits, targets = answer_logits(model, prompt, answer)
        found = ranks_and_nuclei(logits.numpy(), targets.numpy(), tau=0.8)
        expected.append(float(ranking_difficulty(*found, [0, len(targets)], include_first=count_top)[0]))
    assert values(model, "rank", tau=0.8, count_top=count_top) == pytest.approx(expected, abs=1e-6)


def test_perplexity_is_of_the_answer_after_its_prompt(model: str) -> None:
    assert values(model, "perplexity") == pytest.approx([slow_perplexity(model, *row) for row in ROWS], rel=1e-4)


def test_ifd_compares_with_an_empty_user_turn(model: str) -> None:
    found = values(model, "ifd")
    expected = [slow_perplexity(model, *row) / slow_perplexity(model, "", row[1]) for row in ROWS]
    assert found == pytest.approx(expected, rel=1e-4)
    assert found[2] == pytest.approx(1.0, abs=1e-6), "a prompt that says nothing does not help"
    assert found[0] != pytest.approx(1.0, abs=1e-3)


def test_an_answer_alone_has_the_tokens_that_it_has_after_its_prompt(model: str) -> None:
    encoding = ChatEncoding(model)
    for pair, alone in zip(encoding.pairs(table()), encoding.alone(table()), strict=True):
        assert pair.ids[-pair.answer :] == alone.ids[-alone.answer :]
        assert len(alone.ids) > alone.answer, "even its first token is predicted"


def test_length_counts_tokens_and_needs_no_weights(model: str) -> None:
    score = ScoreExamples(Scorer("nowhere"), ChatEncoding(model), 64, metric="length")
    scored, counts = score(table())
    assert scored["difficulty"].to_pylist() == scored["answer_tokens"].to_pylist() == [2, 4, 6]
    assert counts.prompt_tokens == 0


def test_tokens_read_are_counted(model: str) -> None:
    encoding = ChatEncoding(model)
    once, alone = (sum(len(pair.ids) for pair in pairs) for pairs in (encoding.pairs(table()), encoding.alone(table())))
    read = {
        metric: ScoreExamples(Scorer(model), encoding, 64, metric=metric)(table())[1].prompt_tokens
        for metric in METRICS
    }
    assert read == {"rank": once, "perplexity": once, "ifd": once + alone, "length": 0}


class Given:
    def pairs(self, rows: pa.Table) -> list[Pair]:
        return [Pair(row["ids"], row["answer"]) for row in rows.to_pylist()]

    def alone(self, rows: pa.Table) -> list[Pair]:
        return [Pair([1, *row["ids"][-row["answer"] :]], row["answer"]) for row in rows.to_pylist()]


@pytest.mark.parametrize("metric", METRICS)
def test_rows_that_cannot_be_scored_keep_their_place(model: str, metric: str) -> None:
    rows = pa.table({"ids": [[1, 2, 3], [4, 5], [6] * 50, [7, 8], [9, 10]], "answer": [1, 0, 3, 2, 1]})
    table, counts = ScoreExamples(Scorer(model), Given(), max_length=20, metric=metric)(rows)  # type: ignore[arg-type]
    assert table["error"].to_pylist() == [
        None,
        "the answer has no tokens",
        "50 tokens; at most 20 are scored",
        "the prompt has no tokens",
        None,
    ]
    assert [value is None for value in table["difficulty"].to_pylist()] == [False, True, True, True, False]
    assert table["answer_tokens"].to_pylist() == [1, 0, 3, 2, 1]
    assert (counts.rows, counts.failed) == (5, 3)


class RulesOut(Scorer):
    """A model that gives the first token of the first answer no chance at all."""

    def logprobs(self, pairs: list[Pair]) -> np.ndarray:
        found = np.full(sum(pair.answer for pair in pairs), -1.0)
        found[0] = -np.inf
        return found


def test_an_infinite_difficulty_is_an_error() -> None:
    rows = pa.table({"ids": [[1, 2, 3], [4, 5]], "answer": [1, 1]})
    table, counts = ScoreExamples(RulesOut("nowhere"), Given(), max_length=20, metric="perplexity")(rows)
    assert table["difficulty"].to_pylist() == [None, pytest.approx(np.e)]
    assert "its perplexity is inf" in table["error"][0].as_py() and counts.failed == 1


def test_only_another_metric_is_another_stage(workshop: object) -> None:
    given = workshop.given("example", [])  # type: ignore[attr-defined]
    proxy = HubModel(repository="a/b", revision="c")
    found = {metric: Score(examples=given, model=proxy, metric=metric).fingerprint for metric in METRICS}
    assert found["rank"] == Score(examples=given, model=proxy).fingerprint
    assert len(set(found.values())) == len(METRICS)

"""Batched difficulty scoring against one sample at a time: throughput of each metric, memory, and vLLM's way.

Same random model, same dtype, same threads, same pairs, in turns; loading is not timed. `rank` one at a time is the
official way: a sort of the vocabulary for each token. Both sides' ranks and nuclei are also compared, on the same
logits, with a float64 sort of the whole vocabulary. The minimum holds for rank and the vocabulary of current models
(152 thousand); smaller ones, and larger bodies, leave less to gain: on a CPU the forward pass costs both sides the
same. `cpu_ratio` is of processor seconds, for a machine with other work on it. Memory is the growth of the resident
peak over one pair with an ever longer answer (Linux only).

    python benchmarks/scoring.py --out benchmarks/results/scoring.json [--pairs 400] [--vocabulary 1500] [--no-vllm]
"""

import argparse
import gc
import json
import platform
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

from fsa_ray.engine.pair import Pair
from fsa_ray.engine.ranking import rank_tokens, token_logprobs
from fsa_ray.engine.scorer import ScorePlacement, Scorer
from fsa_ray.sentiment.difficulty import ifd, perplexity, ranking_difficulty, ranks_and_nuclei
from fsa_ray.stages.difficulty import ChatEncoding, ScoreExamples

MINIMUM_RATIO = 10.0
MAXIMUM_DIFFERENCE = 1e-6
TAU = 0.95
TURN = 50  # pairs that a side scores before the other has its turn
MEMORY_VOCABULARY = 128_256
MEMORY_LOGITS_MIB = 64
MEMORY_ANSWERS = (64, 256, 1024, 1984)
MAXIMUM_MEMORY_RATIO = 1.5  # peak over `logits_mib`
VLLM_PAIRS = 100


def save_model(folder: str, vocabulary: int) -> None:
    torch.manual_seed(0)
    config = Qwen3Config(
        vocab_size=vocabulary,
        hidden_size=128,
        intermediate_size=384,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=32,
        initializer_range=0.5,  # so that nuclei hold hundreds of tokens of 152 thousand, not most of them
        tie_word_embeddings=True,
    )
    Qwen3ForCausalLM(config).save_pretrained(folder)


def invented_pairs(count: int, vocabulary: int) -> list[Pair]:
    """Prompts of 30 to 120 tokens, answers of 5 to 40."""
    rng = random.Random(0)
    sizes = [(rng.randrange(30, 120), rng.randrange(5, 40)) for _ in range(count)]
    return [Pair([rng.randrange(vocabulary) for _ in range(sum(size))], size[1]) for size in sizes]


@torch.inference_mode()
def one_at_a_time(model: Any, pair: Pair) -> float:
    """As the released code does it: softmax and sort of each step's whole vocabulary, in a Python loop."""
    logits = model(torch.tensor([pair.ids])).logits[0]
    scores = []
    first = len(pair.ids) - pair.answer
    for position in range(first, len(pair.ids)):
        probabilities, order = torch.sort(logits[position - 1].softmax(-1), descending=True)
        rank = int((order == pair.ids[position]).nonzero()[0, 0])
        nucleus = int((probabilities.cumsum(-1) < TAU).sum()) + 1
        scores.append(rank / nucleus if rank < nucleus else 1.0)
    counted = [score for score in scores if score > 1e-6]
    return sum(counted) / len(counted) if counted else 0.0


@torch.inference_mode()
def check(model: Any, pairs: list[Pair]) -> dict[str, float]:
    """The largest differences from the float64 reference on the same logits: of difficulty and of log-probability."""
    differences, logprob_differences, nuclei = [], [], []
    for pair in pairs:
        logits = model(torch.tensor([pair.ids])).logits[0, -pair.answer - 1 : -1]
        targets = torch.tensor(pair.ids[-pair.answer :])
        ours = rank_tokens(logits, targets, tau=TAU)
        reference = ranks_and_nuclei(logits.numpy(), targets.numpy(), tau=TAU)
        nuclei.extend(ours.nuclei)
        bounds = [0, pair.answer]
        found = ranking_difficulty(ours.ranks, ours.nuclei, bounds)
        differences.append(abs(float(found[0]) - float(ranking_difficulty(*reference, bounds)[0])))
        exact = logits.double().log_softmax(1).gather(1, targets[:, None])[:, 0].numpy()
        logprob_differences.append(float(np.abs(token_logprobs(logits, targets) - exact).max()))
    return {
        "median_nucleus": float(np.median(nuclei)),
        "largest_difference_on_same_logits": max(differences),
        "largest_logprob_difference_on_same_logits": max(logprob_differences),
    }


@torch.inference_mode()
def one_perplexity(model: Any, pair: Pair) -> float:
    """All logits of one pair, as a loss over labels computes them."""
    logits = model(torch.tensor([pair.ids])).logits[0, -pair.answer - 1 : -1]
    return float(torch.nn.functional.cross_entropy(logits, torch.tensor(pair.ids[-pair.answer :])).exp())


Side = Callable[[list[Pair]], Iterable[float]]


@dataclass
class Turns:
    """Wall and processor seconds of two sides that take turns, so that a busy machine is busy for both."""

    wall: list[float] = field(default_factory=lambda: [0.0, 0.0])
    cpu: list[float] = field(default_factory=lambda: [0.0, 0.0])

    def take(self, side: int, score: Side, pairs: list[Pair]) -> list[float]:
        began, cpu = time.perf_counter(), time.process_time()
        result = list(score(pairs))
        self.wall[side] += time.perf_counter() - began
        self.cpu[side] += time.process_time() - cpu
        return result

    def figures(self, tokens: int) -> dict[str, float]:
        return {
            "batched_seconds": round(self.wall[0], 3),
            "one_at_a_time_seconds": round(self.wall[1], 3),
            "batched_tokens_per_second": round(tokens / self.wall[0]),
            "one_at_a_time_tokens_per_second": round(tokens / self.wall[1]),
            "ratio": round(self.wall[1] / self.wall[0], 2),
            "cpu_ratio": round(self.cpu[1] / self.cpu[0], 2),
        }


def metrics(scorer: Scorer, model: Any) -> dict[str, tuple[Side, Side]]:
    """The two sides of each metric that needs the model."""

    def bounds(pairs: list[Pair]) -> list[int]:
        return [0, *accumulate(pair.answer for pair in pairs)]

    def rank(pairs: list[Pair]) -> Iterable[float]:
        found = scorer.rank(pairs, TAU)
        return ranking_difficulty(found.ranks, found.nuclei, bounds(pairs))

    def of_ifd(pairs: list[Pair]) -> Iterable[float]:
        return ifd(scorer.logprobs(pairs), scorer.logprobs([alone(pair) for pair in pairs]), bounds(pairs))

    return {
        "rank": (rank, lambda pairs: [one_at_a_time(model, pair) for pair in pairs]),
        "perplexity": (
            lambda pairs: perplexity(scorer.logprobs(pairs), bounds(pairs)),
            lambda pairs: [one_perplexity(model, pair) for pair in pairs],
        ),
        "ifd": (
            of_ifd,
            lambda pairs: [one_perplexity(model, pair) / one_perplexity(model, alone(pair)) for pair in pairs],
        ),
    }


def alone(pair: Pair) -> Pair:
    """The answer after the first tokens of its prompt, which stand for an empty turn of a chat."""
    return Pair([*pair.ids[:10], *pair.ids[-pair.answer :]], pair.answer)


def measure(count: int, vocabulary: int, threads: int) -> dict[str, Any]:
    torch.set_num_threads(threads)
    pairs = invented_pairs(count, vocabulary)
    tokens = sum(pair.answer for pair in pairs)
    figures: dict[str, Any] = {"vocabulary": vocabulary, "pairs": count, "answer_tokens": tokens, "threads": threads}
    with tempfile.TemporaryDirectory() as folder:
        save_model(folder, vocabulary)
        scorer = Scorer(folder, placement=ScorePlacement(threads=threads))
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
        for metric, (batched, single) in metrics(scorer, model).items():
            batched(pairs[:20])
            list(single(pairs[:1]))
            turns, ours, theirs = Turns(), list[float](), list[float]()
            for start in range(0, count, TURN):
                part = pairs[start : start + TURN]
                ours += turns.take(0, batched, part)
                theirs += turns.take(1, single, part)
            # Other batches round otherwise, and near-ties may flip; perplexities are compared relative to their size.
            gaps = np.abs(np.array(ours) - np.array(theirs)) / np.maximum(1.0, np.array(theirs))
            figures[metric] = {**turns.figures(tokens), "largest_difference_end_to_end": float(gaps.max())}
        figures |= check(model, pairs[:50])
    return figures


def measure_length(count: int) -> dict[str, Any]:
    """Tokens per second of the metric length: what every metric pays for the tokenizer, and no pass. It has no
    official side."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    core = Tokenizer(models.BPE())
    core.pre_tokenizer, core.decoder = pre_tokenizers.ByteLevel(), decoders.ByteLevel()
    rng = random.Random(0)
    words = ["".join(rng.choices("abcdefghij", k=rng.randrange(2, 9))) for _ in range(2000)]
    texts = [" ".join(rng.choices(words, k=80)) for _ in range(count)]
    trainer = trainers.BpeTrainer(vocab_size=3000, special_tokens=["</s>"], show_progress=False)
    core.train_from_iterator(texts, trainer)
    with tempfile.TemporaryDirectory() as folder:
        PreTrainedTokenizerFast(tokenizer_object=core, eos_token="</s>").save_pretrained(folder)
        score = ScoreExamples(Scorer(folder), ChatEncoding(folder), 2048, metric="length")
        rows = pa.table({"prompt": texts, "answer": [text[: len(text) // 4] for text in texts]})
        score(rows.slice(0, 10))
        began = time.perf_counter()
        scored, _ = score(rows)
        tokens = sum(scored["answer_tokens"].to_pylist())
    return {"answer_tokens": tokens, "tokens_per_second": round(tokens / (time.perf_counter() - began))}


def measure_memory() -> dict[str, Any]:
    """Growth of the peak while one pair is scored, whatever the length of its answer; a whole pass beside it."""
    torch.set_num_threads(2)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        save_model(folder, MEMORY_VOCABULARY)
        scorer = Scorer(folder, placement=ScorePlacement(threads=2, logits_mib=MEMORY_LOGITS_MIB))
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
        for answer in MEMORY_ANSWERS:
            rng = random.Random(answer)
            pair = Pair([rng.randrange(MEMORY_VOCABULARY) for _ in range(64 + answer)], answer)
            scorer.rank([Pair(pair.ids[:80], 16)], TAU)
            growth = {
                "rank": peak_growth(lambda pair=pair: scorer.rank([pair], TAU)),
                "perplexity": peak_growth(lambda pair=pair: scorer.logprobs([pair])),
                "whole_logits": peak_growth(lambda pair=pair: one_perplexity(model, pair)),
            }
            rows.append(
                {
                    "answer_tokens": answer,
                    **{f"{name}_mib": round(mib, 1) for name, mib in growth.items()},
                    **{f"{name}_kib_per_token": round(1024 * mib / answer, 1) for name, mib in growth.items()},
                }
            )
    return {"vocabulary": MEMORY_VOCABULARY, "logits_mib": MEMORY_LOGITS_MIB, "pairs": rows}


def peak_growth(work: Callable[[], object]) -> float:
    """MiB by which the resident peak rises above what is resident before."""
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before = _resident("VmRSS")
    work()
    return _resident("VmHWM") - before


def _resident(name: str) -> float:
    status = Path("/proc/self/status").read_text()
    return int(status.partition(f"{name}:")[2].split()[0]) / 1024


def measure_vllm(pairs: int, vocabulary: int) -> dict[str, Any]:
    """In a process of its own: vLLM takes hold of a process's threads."""
    with tempfile.TemporaryDirectory() as folder:
        found = Path(folder) / "found.json"
        script = Path(__file__).with_name("scoring_vllm.py")
        sizes = ["--pairs", str(pairs), "--vocabulary", str(vocabulary)]
        subprocess.run(
            [sys.executable, str(script), *sizes, "--out", str(found)], check=True, stdout=subprocess.DEVNULL
        )
        result: dict[str, Any] = json.loads(found.read_text())
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--pairs", type=int, default=400)
    parser.add_argument("--vocabulary", type=int, nargs="+", default=[1500, 32000, 151936])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--vllm", action=argparse.BooleanOptionalAction, default=True)
    arguments = parser.parse_args()
    report = {
        "benchmark": "scoring",
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.processor() or platform.machine()}, torch {torch.__version__}",
        "minimum_ratio": MINIMUM_RATIO,
        "memory": measure_memory(),
        "length": measure_length(1000),
        "results": [measure(arguments.pairs, vocabulary, arguments.threads) for vocabulary in arguments.vocabulary],
    }
    if arguments.vllm:
        report["vllm"] = [measure_vllm(VLLM_PAIRS, vocabulary) for vocabulary in arguments.vocabulary[1:]]
    print(json.dumps(report, indent=2))
    if arguments.out:
        arguments.out.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    for result in report["results"]:
        assert result["largest_difference_on_same_logits"] <= MAXIMUM_DIFFERENCE, result
        assert result["largest_logprob_difference_on_same_logits"] <= MAXIMUM_DIFFERENCE, result
    assert report["results"][-1]["rank"]["ratio"] >= MINIMUM_RATIO, report["results"][-1]
    for pair in report["memory"]["pairs"]:
        assert pair["rank_mib"] <= MAXIMUM_MEMORY_RATIO * MEMORY_LOGITS_MIB, pair


if __name__ == "__main__":
    main()

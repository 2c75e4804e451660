"""Batched difficulty scoring against the official way: one sample at a time, a sort of the vocabulary for each token.

Same random model, same dtype, same threads, same pairs; loading is not timed. Both sides' ranks and nuclei are also
compared, on the same logits, with a float64 sort of the whole vocabulary. The minimum holds for the vocabulary of
current models (152 thousand); smaller ones, and larger bodies, leave less to gain: on a CPU the forward pass costs
both sides the same.

    python benchmarks/scoring.py --out benchmarks/results/scoring.json [--pairs 400] [--vocabulary 1500]
"""

import argparse
import json
import platform
import random
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoModelForCausalLM, Qwen3Config, Qwen3ForCausalLM

from fsa_ray.engine.ranking import rank_tokens
from fsa_ray.engine.scorer import Pair, ScorePlacement, Scorer
from fsa_ray.sentiment.difficulty import ranking_difficulty, ranks_and_nuclei

MINIMUM_RATIO = 10.0
MAXIMUM_DIFFERENCE = 1e-6
TAU = 0.95


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
def check(model: Any, pairs: list[Pair]) -> tuple[float, float]:
    """The largest difference between our difficulty and the float64 reference's on the same logits; median nucleus."""
    differences, nuclei = [], []
    for pair in pairs:
        logits = model(torch.tensor([pair.ids])).logits[0, -pair.answer - 1 : -1]
        targets = torch.tensor(pair.ids[-pair.answer :])
        ours = rank_tokens(logits, targets, tau=TAU)
        reference = ranks_and_nuclei(logits.numpy(), targets.numpy(), tau=TAU)
        nuclei.extend(ours.nuclei)
        bounds = [0, pair.answer]
        found = ranking_difficulty(ours.ranks, ours.nuclei, bounds)
        differences.append(abs(float(found[0]) - float(ranking_difficulty(*reference, bounds)[0])))
    return max(differences), float(np.median(nuclei))


def measure(count: int, vocabulary: int, threads: int) -> dict[str, Any]:
    torch.set_num_threads(threads)
    pairs = invented_pairs(count, vocabulary)
    tokens = sum(pair.answer for pair in pairs)
    with tempfile.TemporaryDirectory() as folder:
        save_model(folder, vocabulary)
        scorer = Scorer(folder, tau=TAU, placement=ScorePlacement(threads=threads))
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
        scorer.score(pairs[:20])
        one_at_a_time(model, pairs[0])
        began, cpu = time.perf_counter(), time.process_time()
        batched = [score.difficulty or 0.0 for score in scorer.score(pairs)]
        ours, our_cpu = time.perf_counter() - began, time.process_time() - cpu
        began, cpu = time.perf_counter(), time.process_time()
        official = [one_at_a_time(model, pair) for pair in pairs]
        theirs, their_cpu = time.perf_counter() - began, time.process_time() - cpu
        difference, nucleus = check(model, pairs[:50])
    gaps = np.abs(np.array(batched) - np.array(official))
    return {
        "vocabulary": vocabulary,
        "pairs": count,
        "answer_tokens": tokens,
        "median_nucleus": nucleus,
        "threads": threads,
        "batched_seconds": round(ours, 3),
        "official_seconds": round(theirs, 3),
        "ratio": round(theirs / ours, 2),
        "cpu_ratio": round(their_cpu / our_cpu, 2),  # for a machine with other work on it
        "largest_difference_on_same_logits": difference,
        "largest_difference_end_to_end": float(gaps.max()),  # other batches round otherwise; near-ties may flip
        "pairs_equal_end_to_end": int((gaps < MAXIMUM_DIFFERENCE).sum()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--pairs", type=int, default=400)
    parser.add_argument("--vocabulary", type=int, nargs="+", default=[1500, 32000, 151936])
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    results = [measure(arguments.pairs, vocabulary, arguments.threads) for vocabulary in arguments.vocabulary]
    report = {
        "benchmark": "scoring",
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.processor() or platform.machine()}, torch {torch.__version__}",
        "minimum_ratio": MINIMUM_RATIO,
        "results": results,
    }
    print(json.dumps(report, indent=2))
    if arguments.out:
        arguments.out.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    for result in results:
        assert result["largest_difference_on_same_logits"] <= MAXIMUM_DIFFERENCE, result
    assert results[-1]["ratio"] >= MINIMUM_RATIO, results[-1]


if __name__ == "__main__":
    main()

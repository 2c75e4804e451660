"""Ranks of answers from vLLM's `prompt_logprobs=k` against our scorer: same pairs and model, one process, one thread.

vLLM gives the rank of each prompt token and the k largest log-probabilities. A token's difficulty follows if it is
ranked first, or if the k largest reach tau; our scorer must look at the other tokens. The sides take turns; the
fastest of each side's rounds counts, in seconds of the processor. Answers are drawn from the model itself at four
temperatures: of tokens at random, all would be outside the nucleus.

    python benchmarks/scoring_vllm.py [--pairs 100] [--vocabulary 32000] [--k 20 256] [--out FILE]
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ |= {
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "OMP_NUM_THREADS": "1",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",  # both sides take their turns on the same cores
    "VLLM_LOGGING_LEVEL": "ERROR",
}

import numpy as np
import torch
from scipy.stats import spearmanr
from scoring import TAU, save_model
from transformers import AutoModelForCausalLM

from fsa_ray.engine.pair import Pair
from fsa_ray.engine.ranking import TokenRanks
from fsa_ray.engine.scorer import ScorePlacement, Scorer
from fsa_ray.sentiment.difficulty import ranking_difficulty

PROMPT, LONGEST = 64, 40
TEMPERATURES = (0.4, 0.7, 1.0, 1.3)
ROUNDS = 3


@torch.inference_mode()
def drawn_pairs(folder: str, count: int, vocabulary: int) -> list[Pair]:
    """Prompts of 64 tokens at random, answers of 5 to 40 that the model says to them."""
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    model.generation_config.eos_token_id = None
    torch.manual_seed(0)
    prompts = torch.randint(0, vocabulary, (count, PROMPT)).split(-(-count // len(TEMPERATURES)))
    said = [
        model.generate(
            part, max_new_tokens=LONGEST, do_sample=True, temperature=temperature, top_k=0, top_p=1.0, pad_token_id=0
        )
        for part, temperature in zip(prompts, TEMPERATURES, strict=False)
    ]
    lengths = np.random.default_rng(0).integers(5, LONGEST + 1, count)
    rows = torch.cat(said).tolist()
    return [Pair(row[: PROMPT + size], int(size)) for row, size in zip(rows, lengths, strict=True)]


class Engine:
    """vLLM in this process."""

    def __init__(self, folder: str, most: int) -> None:
        from vllm import LLM

        self._llm = LLM(
            folder,
            skip_tokenizer_init=True,
            dtype="float32",
            enforce_eager=True,
            max_model_len=512,
            max_logprobs=most,
            enable_prefix_caching=False,
        )

    def read(self, pairs: list[Pair], k: int | None, flat: bool) -> list[Any]:
        """The prompt log-probabilities of each pair; None: only its pass."""
        from vllm import SamplingParams

        params = SamplingParams(prompt_logprobs=k, flat_logprobs=flat, max_tokens=1, temperature=0, detokenize=False)
        prompts: Any = [{"prompt_token_ids": pair.ids} for pair in pairs]
        return [output.prompt_logprobs for output in self._llm.generate(prompts, params, use_tqdm=False)]

    def rank(self, pairs: list[Pair], k: int, flat: bool) -> tuple[TokenRanks, np.ndarray]:
        """Of the answers' tokens; and which of them are known, (t,)."""
        of = _from_flat if flat else _from_dicts
        parts = [of(found, pair, k) for found, pair in zip(self.read(pairs, k, flat), pairs, strict=True)]
        ranks, own, largest = (np.concatenate(column) for column in zip(*parts, strict=True))
        below = (np.exp(largest).cumsum(1) < TAU).sum(1)
        return TokenRanks(ranks, below + 1, own), (below < k) | (ranks == 0)


def _from_flat(found: Any, pair: Pair, k: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ranks (t,), log-probabilities (t,) and the k largest (t, k); the first position holds nothing."""
    logprobs = np.array(found.logprobs).reshape(-1, k + 1)[-pair.answer :]
    ranks = np.array(found.ranks[:: k + 1])[-pair.answer :] - 1
    return ranks, logprobs[:, 0], logprobs[:, 1:]


def _from_dicts(found: Any, pair: Pair, k: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    steps = found[-pair.answer :]
    own = [step[token] for step, token in zip(steps, pair.ids[-pair.answer :], strict=True)]
    largest = [sorted((entry.logprob for entry in step.values()), reverse=True)[:k] for step in steps]
    return np.array([entry.rank for entry in own]) - 1, np.array([entry.logprob for entry in own]), np.array(largest)


def compare(truth: TokenRanks, found: TokenRanks, known: np.ndarray, pairs: list[Pair]) -> dict[str, Any]:
    """Difficulties by the engine against our scorer's: with unknown tokens filled in by our scorer, and as they are
    (then a nucleus that the k largest do not fill counts as k + 1)."""
    bounds = np.cumsum([0, *(pair.answer for pair in pairs)])
    ours = ranking_difficulty(truth.ranks, truth.nuclei, bounds)
    filled = TokenRanks(
        np.where(known, found.ranks, truth.ranks), np.where(known, found.nuclei, truth.nuclei), truth.logprobs
    )
    same = (filled.ranks == truth.ranks) & ((filled.nuclei == truth.nuclei) | (filled.ranks == 0))
    figures = {
        "tokens_known": round(float(known.mean()), 4),
        "examples_known": round(float(np.minimum.reduceat(known, bounds[:-1]).mean()), 4),
        "known_tokens_equal": round(float(same[known].mean()), 4),
    }
    for name, ranks in (("filled", filled), ("unfilled", found)):
        theirs = ranking_difficulty(ranks.ranks, ranks.nuclei, bounds)
        figures[f"{name}_spearman"] = round(float(spearmanr(ours, theirs).statistic), 6)
        figures[f"{name}_largest_difference"] = round(float(np.abs(ours - theirs).max()), 9)
    return figures


def seconds(work: Callable[[], Any]) -> float:
    """Of the processor, which other work on the machine does not lengthen."""
    began = time.process_time()
    work()
    return time.process_time() - began


def measure(vocabulary: int, count: int, ks: list[int]) -> dict[str, Any]:
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        save_model(folder, vocabulary)
        pairs = drawn_pairs(folder, count, vocabulary)
        engine, scorer = Engine(folder, max(ks)), Scorer(folder, placement=ScorePlacement(threads=1))
        sides: dict[str, Callable[[], Any]] = {
            "ours": lambda: scorer.rank(pairs, TAU),
            "pass_alone": lambda: engine.read(pairs, None, True),
        }
        for k in ks:
            sides[f"k{k}"] = lambda k=k: engine.rank(pairs, k, True)
            sides[f"k{k}_dicts"] = lambda k=k: engine.rank(pairs, k, False)
        results = {name: side() for name, side in sides.items()}  # warms up as well
        rounds = [{name: seconds(side) for name, side in sides.items()} for _ in range(ROUNDS)]
    best = {name: min(taken[name] for taken in rounds) for name in sides}
    tokens = int(sum(pair.answer for pair in pairs))
    truth = results["ours"]
    return {
        "vocabulary": vocabulary,
        "pairs": count,
        "answer_tokens": tokens,
        "median_nucleus": float(np.median(truth.nuclei)),
        "tokens_per_second": {name: round(tokens / taken) for name, taken in best.items()},
        "against_ours": {name: round(best["ours"] / taken, 3) for name, taken in best.items()},
        "topk": {f"k{k}": compare(truth, *results[f"k{k}"], pairs) for k in ks},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=100)
    parser.add_argument("--vocabulary", type=int, default=32000)
    parser.add_argument("--k", type=int, nargs="+", default=[20, 256])
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    text = json.dumps(measure(arguments.vocabulary, arguments.pairs, arguments.k), indent=2)
    print(text)
    if arguments.out:
        arguments.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

"""An encoder-decoder's training step with pairs dealt by length, against pairs in the order in which they come.

Same model, same pairs in each step, same micro-batches; only who shares a micro-batch differs, so the loss is the same
and what is saved is padding. Rounds of the two sides take turns. Tokens are those of the texts, without padding.

    python benchmarks/pairs.py --out benchmarks/results/pairs.json
"""

import argparse
import json
import platform
import statistics
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch

from fsa_ray.storage.folder import Folder
from fsa_ray.training.batches import StepRows
from fsa_ray.training.model import load_model
from fsa_ray.training.packing import Ints
from fsa_ray.training.pair_lm import PairLM
from fsa_ray.training.pair_rows import PairRows
from fsa_ray.training.pairing import TokenPair, pair_table
from fsa_ray.training.probe import find_scale
from fsa_ray.training.settings import ModelSource

MINIMUM_RATIO = 1.2
MAXIMUM_GAP = 1e-4
SOURCE, TARGET = (60.0, 0.6, 128), (190.0, 0.45, 400)
"""Median, spread of the logarithm, limit: tokens of reviews and of interpretations (FSA-Distillation's lengths)."""


def pairs(count: int, vocabulary: int) -> PairRows:
    random = np.random.default_rng(0)

    def lengths(median: float, spread: float, limit: int) -> list[int]:
        return np.clip(random.lognormal(np.log(median), spread, count), 4, limit).astype(int).tolist()  # type: ignore[no-any-return]

    sizes = zip(lengths(*SOURCE), lengths(*TARGET), strict=True)
    found = [
        TokenPair(str(n), *(random.integers(3, vocabulary, size, dtype=np.int32) for size in both), cut=False)
        for n, both in enumerate(sizes)
    ]
    return PairRows.of(pair_table(found, seed=0).rows)


def run(lm: PairLM, rows: PairRows, steps: list[Ints], micro_batch: int, by_length: bool) -> tuple[float, float, int]:
    """Seconds, mean loss and padded tokens of some steps."""
    total, cells = 0.0, 0
    begun = time.perf_counter()
    for numbers in steps:
        dealt = rows.dealt(numbers, 1, micro_batch)[0] if by_length else numbers.reshape(-1, micro_batch)
        answers = int(rows.answer_tokens[numbers].sum())
        lm.zero_grad()
        for mine in dealt:
            batch = {name: torch.from_numpy(array) for name, array in rows.arrays(mine).items()}
            loss, _ = lm(**batch)
            (loss / answers).backward()
            total += loss.item() / answers
            cells += batch["tokens"].numel() + batch["labels"].numel()
    return time.perf_counter() - begun, total / len(steps), cells


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--global-batch", type=int, default=100)
    parser.add_argument("--micro-batch", type=int, default=10)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--vocabulary", type=int, default=8000)
    arguments = parser.parse_args()
    torch.set_num_threads(2)
    config = {
        "model_type": "t5",
        "vocab_size": arguments.vocabulary,
        "d_model": arguments.width,
        "d_kv": 64,
        "d_ff": 4 * arguments.width,
        "num_layers": 4,
        "num_heads": arguments.width // 64,
        "dropout_rate": 0.0,
    }
    lm = PairLM(load_model(Folder("."), ModelSource(config=config), torch.float32))
    find_scale(lm, torch.device("cpu"))
    rows = pairs(2000, arguments.vocabulary)
    order = StepRows(len(rows), arguments.global_batch, 0)
    steps = [order.of_step(step) for step in range(arguments.steps)]
    tokens = sum(int((rows.source.lengths + rows.target.lengths)[numbers].sum()) for numbers in steps)
    sides: dict[bool, list[tuple[float, float, int]]] = {True: [], False: []}
    run(lm, rows, steps[:1], arguments.micro_batch, by_length=True)
    for number in range(arguments.rounds):
        for by_length in (True, False) if number % 2 else (False, True):
            sides[by_length].append(run(lm, rows, steps, arguments.micro_batch, by_length))
    seconds = {side: statistics.median(one[0] for one in found) for side, found in sides.items()}
    document = {
        "benchmark": "pairs",
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.machine()}, 2 threads",
        "parameters": sum(parameter.numel() for parameter in lm.parameters()),
        "pairs_a_step": arguments.global_batch,
        "micro_batch": arguments.micro_batch,
        "tokens_per_second": {
            "by_length": round(tokens / seconds[True]),
            "in_order": round(tokens / seconds[False]),
        },
        "fill": {
            "by_length": round(tokens / sides[True][0][2], 3),
            "in_order": round(tokens / sides[False][0][2], 3),
        },
        "ratio": round(seconds[False] / seconds[True], 2),
        "minimum_ratio": MINIMUM_RATIO,
        "loss_gap": abs(sides[True][0][1] - sides[False][0][1]),
        "maximum_gap": MAXIMUM_GAP,
    }
    text = json.dumps(document, indent=2)
    if arguments.out is not None:
        arguments.out.write_text(text + "\n", encoding="utf-8")
    print(text)
    return 0 if document["ratio"] >= MINIMUM_RATIO and document["loss_gap"] <= MAXIMUM_GAP else 1


if __name__ == "__main__":
    raise SystemExit(main())

"""Useful tokens per second of packed rows against batches padded to their longest example.

Same model, same examples, same number of examples a step on average, same loss code; a step is forward, backward and
AdamW. The padded side takes the cheaper attention kernel (causal, no document mask), so the ratio is packing's alone.

    python benchmarks/packing.py --out benchmarks/results/packing.json [--corpus 'FOLDER/part-*.parquet']
"""

import argparse
import json
import platform
import statistics
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch

from fsa_ray.storage.folder import Folder
from fsa_ray.training.model import load_model
from fsa_ray.training.packed_lm import PackedLM
from fsa_ray.training.packing import IGNORE, Tokenized, pack_table
from fsa_ray.training.probe import check_isolation
from fsa_ray.training.settings import ModelSource

MINIMUM_RATIO = 1.5
Batch = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


@dataclass
class Side:
    steps: int
    positions: int  # tokens computed, padding too
    loss: float  # nats per answer token, all examples, before any update
    tokens_per_second: float  # of examples, not of padding


def synthetic(count: int, vocabulary: int) -> Tokenized:
    """Lengths as in review corpora: log-normal, median 60 tokens, answers a third."""
    random = np.random.default_rng(0)
    lengths = np.clip(random.lognormal(np.log(60), 0.6, count), 8, 500).astype(np.int64)
    tokens = random.integers(1, vocabulary, lengths.sum(), dtype=np.int32)
    return Tokenized(_ids(count), tokens, np.concatenate([[0], np.cumsum(lengths)]), lengths * 2 // 3)


def from_packed(pattern: str) -> Tokenized:
    """The examples of a packed corpus: documents with at least one label (padding has none)."""
    folder = Path(pattern)
    table = pa.concat_tables(pq.read_table(path) for path in sorted(folder.parent.glob(folder.name)))
    tokens, labels, documents = (np.array(table[name].to_pylist()) for name in ("tokens", "labels", "documents"))
    parts, prompts = [], []
    for row in range(len(tokens)):
        for document in range(documents[row].max() + 1):
            own = documents[row] == document
            answer = labels[row][own] != IGNORE
            if answer.any():
                parts.append(tokens[row][own].astype(np.int32))
                prompts.append(int(answer.argmax()))
    offsets = np.concatenate([[0], np.cumsum([len(part) for part in parts])]).astype(np.int64)
    return Tokenized(_ids(len(parts)), np.concatenate(parts), offsets, np.array(prompts, np.int64))


def packed_batches(data: Tokenized, row_length: int, rows: int) -> list[Batch]:
    table = pack_table(data, row_length, pad_id=0, seed=0).rows
    tensors = [torch.tensor(table[name].to_pylist()) for name in ("tokens", "labels", "positions")]
    return list(zip(*(tensor.split(rows) for tensor in tensors), strict=True))


def padded_batches(data: Tokenized, examples: int) -> list[Batch]:
    """One example a row, in random order, each batch as wide as its longest. Causal attention needs no mask for
    padding on the right."""
    order = np.random.default_rng(0).permutation(len(data.ids))
    batches = []
    for chosen in np.array_split(order, -(-len(order) // examples)):
        width = int(data.lengths[chosen].max())
        tokens = torch.zeros((len(chosen), width), dtype=torch.int64)
        labels = torch.full((len(chosen), width), IGNORE)
        for row, number in enumerate(chosen):
            own = torch.from_numpy(data.tokens[data.offsets[number] : data.offsets[number + 1]]).long()
            tokens[row, : len(own)] = own
            labels[row, data.prompt[number] : len(own)] = own[data.prompt[number] :]
        batches.append((tokens, labels, torch.arange(width).expand(len(chosen), -1)))
    return batches


@torch.no_grad()
def mean_loss(lm: PackedLM, batches: list[Batch]) -> float:
    answers = sum(int((labels != IGNORE).sum()) for _, labels, _ in batches)
    return sum(float(lm(*batch)[0]) for batch in batches) / answers


def seconds(lm: PackedLM, batches: list[Batch]) -> float:
    optimizer = torch.optim.AdamW(lm.parameters(), lr=1e-6, fused=True)
    begun = time.perf_counter()
    for tokens, labels, positions in batches:
        (lm(tokens, labels, positions)[0] / (labels != IGNORE).sum()).backward()
        optimizer.step()
        optimizer.zero_grad()
    return time.perf_counter() - begun


def model(arguments: argparse.Namespace) -> PackedLM:
    width = arguments.hidden
    config = {
        "model_type": "qwen3",
        "vocab_size": arguments.vocabulary,
        "hidden_size": width,
        "intermediate_size": 3 * width,
        "num_hidden_layers": arguments.layers,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": width // 4,
        "tie_word_embeddings": True,
    }
    return PackedLM(load_model(Folder("."), ModelSource(config=config), torch.float32))


def compare(arguments: argparse.Namespace) -> dict[str, object]:
    torch.set_num_threads(arguments.threads)
    given = arguments.corpus
    data = from_packed(given) if given else synthetic(arguments.examples, arguments.vocabulary)
    lm = model(arguments)
    check_isolation(lm, torch.device("cpu"))
    packed = packed_batches(data, arguments.row_length, arguments.rows)
    sides = {"packed": packed, "padded": padded_batches(data, -(-len(data.ids) // len(packed)))}
    losses = {name: mean_loss(lm, batches) for name, batches in sides.items()}
    useful = int(data.lengths.sum())
    rates: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(arguments.repeats):  # interleaved, so that a slow minute of the machine hits both
        for name, batches in sides.items():
            rates[name].append(useful / seconds(lm, batches))
    result = {
        name: Side(
            len(batches), sum(batch[0].numel() for batch in batches), losses[name], statistics.median(rates[name])
        )
        for name, batches in sides.items()
    }
    return {
        "benchmark": "packing",
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.machine()}, {arguments.threads} threads",
        "corpus": "packed corpus" if arguments.corpus else "made up",
        "arguments": {name: value for name, value in vars(arguments).items() if name not in ("out", "corpus")},
        "parameters": sum(parameter.numel() for parameter in lm.parameters()),
        "examples": len(data.ids),
        "useful_tokens": useful,
        **{name: asdict(side) for name, side in result.items()},
        "loss_difference": abs(losses["packed"] - losses["padded"]),
        "ratio": result["packed"].tokens_per_second / result["padded"].tokens_per_second,
        "minimum_ratio": MINIMUM_RATIO,
    }


def _ids(count: int) -> pa.Array:
    return pa.array([str(number) for number in range(count)])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--corpus", help="parquet files of a packed corpus; made up if left out")
    parser.add_argument("--examples", type=int, default=600)
    parser.add_argument("--vocabulary", type=int, default=2000)
    parser.add_argument("--hidden", type=int, default=128)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--row-length", type=int, default=512)
    parser.add_argument("--rows", type=int, default=4, help="packed rows a step")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    report = compare(arguments)
    text = json.dumps(report, indent=2)
    print(text)
    if arguments.out:
        arguments.out.write_text(text + "\n", encoding="utf-8")
    return 0 if report["ratio"] >= MINIMUM_RATIO and report["loss_difference"] <= 1e-4 else 1


if __name__ == "__main__":
    raise SystemExit(main())

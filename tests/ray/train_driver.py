"""A driver that trains a small model in a Ray of its own: `python train_driver.py ROOT NAME KIND`. Tests kill it.

KIND: rows or pairs, alone or after "second phase of ".
"""

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import ray

from fsa_ray.core.artifact import Table
from fsa_ray.core.tables import write_table
from fsa_ray.engine.train import TrainPlacement
from fsa_ray.storage.folder import Folder
from fsa_ray.training.checkpoints import complete
from fsa_ray.training.packing import Tokenized, pack_table
from fsa_ray.training.pairing import TokenPair, pair_table
from fsa_ray.training.run import TrainOutcome, train
from fsa_ray.training.settings import ModelSource, TrainJob, TrainSettings

VOCABULARY = 120
CONFIG = {
    "model_type": "qwen3",
    "vocab_size": VOCABULARY,
    "hidden_size": 48,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 12,
    "max_position_embeddings": 128,
    "tie_word_embeddings": True,
}
T5 = {
    "model_type": "t5",
    "vocab_size": VOCABULARY,
    "d_model": 64,
    "d_kv": 16,
    "d_ff": 128,
    "num_layers": 2,
    "num_heads": 4,
    "dropout_rate": 0.0,
}
TWO_WORKERS = TrainPlacement(workers=2, micro_batch=2, zero_stage=2, start_timeout_s=120)


def pairs(root: Folder, count: int = 300) -> Table:
    """What is written is what was read, backwards."""
    random = np.random.default_rng(0)
    texts = [random.integers(3, VOCABULARY, n).tolist() for n in random.integers(2, 12, count)]
    sides = [(np.array([*t, 1], np.int32), np.array([*t[::-1], 1], np.int32)) for t in texts]
    found = pair_table([TokenPair(str(n), *both, cut=False) for n, both in enumerate(sides)], seed=0)
    return write_table(root, root / f"pairs-{count}", found.rows)


def corpus(root: Folder) -> Table:
    """Answers repeat the prompt, so that there is something to learn."""
    random = np.random.default_rng(0)
    halves = [random.integers(0, VOCABULARY, n, dtype=np.int32) for n in random.integers(2, 20, 300)]
    lengths = np.array([2 * len(half) for half in halves])
    examples = Tokenized(
        pa.array([str(i) for i in range(len(halves))]),
        np.concatenate([np.concatenate([half, half]) for half in halves]),
        np.concatenate([[0], np.cumsum(lengths)]),
        lengths // 2,
    )
    return write_table(root, root / "corpus", pack_table(examples, 64, pad_id=0, seed=0).rows)


def job(root: Folder, name: str, *, max_steps: int = 30, config: dict | None = None, **changes) -> TrainJob:
    fields = {
        "global_batch": 8,
        "learning_rate": 5e-3,
        "precision": "fp32",
        "checkpoint_every": 5,
        "warmup_ratio": 0.1,
        **changes,
    }
    given = config or CONFIG
    return TrainJob(
        settings=TrainSettings(max_steps=max_steps, **fields),
        model=ModelSource(config=given, seed=1),
        root=root,
        corpus=pairs(root) if given["model_type"] == "t5" else corpus(root),
        out=root / name / "out",
        progress=root / name / "progress",
    )


def newest_step(progress: Path) -> int:
    """That of the newest complete checkpoint."""
    found = next(complete(Folder(str(progress))), None)
    return 0 if found is None else found.step


if __name__ == "__main__":
    ray.init(address="local", num_cpus=4, include_dashboard=False, log_to_driver=False, logging_level="error")
    root, name, kind = Folder(sys.argv[1]), *sys.argv[2:]
    config = T5 if kind.endswith("pairs") else CONFIG
    given = job(root, name, max_steps=60, config=config)
    if kind.startswith("second phase of "):
        if not root.exists("first.json"):
            first = train(job(root, "first", max_steps=5, config=config), TWO_WORKERS)
            root.put("first.json", first.model_dump_json().encode())
        first = TrainOutcome.model_validate_json(root.get("first.json"))
        given = given.model_copy(update={"model": ModelSource(files=first.files)})
    outcome = train(given, TWO_WORKERS)
    sys.stdout.write(outcome.model_dump_json())

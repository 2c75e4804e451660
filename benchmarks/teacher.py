"""Tokens per second of teaching through the pipeline against `vllm.LLM.generate`: same prompts, same engine settings.

Three sides, each with its engine started and warm, asked in turn so that a slow minute of the machine hits all:
`pipeline` (units through Ray Data to the shared engine, answers committed as parquet), `same_process` (LLM.generate
with the engine settings that the pipeline uses on a CPU) and `stock` (LLM.generate in vLLM's own process layout). The
pipeline's time runs from the first question, which waits until all of Ray Data's actors are up, to the last commit;
the figure with the start of the actors stands beside it.

    python benchmarks/teacher.py --out benchmarks/results/teacher.json [--model small] [--prompts 1536]
"""

import argparse
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from fsa_ray.core.tables import write_table
from fsa_ray.engine.placement import EnginePlacement
from fsa_ray.engine.question import Question, Reply
from fsa_ray.engine.run_units import ask
from fsa_ray.engine.session import ModelSettings, Session
from fsa_ray.engine.units import UnitFolder
from fsa_ray.storage.folder import Folder

MINIMUM_RATIO = 0.90
MODELS = {
    "large": {"vocab_size": 16000, "hidden_size": 512, "intermediate_size": 1536, "num_hidden_layers": 8},
    "small": {"vocab_size": 1500, "hidden_size": 128, "intermediate_size": 384, "num_hidden_layers": 3},
}
OUTPUT_TOKENS = 64
MAX_LENGTH = 512
LONGEST_START = 30.0
PARAMS = {"temperature": 0.0, "ignore_eos": True, "max_tokens": OUTPUT_TOKENS}


@dataclass(frozen=True)
class Prompts:
    """Asks what the rows hold, once `actors` processes are ready to; `clock`: a folder where each notes its start."""

    clock: str
    actors: int

    def questions(self, rows: pa.Table) -> list[Question]:
        ready = Path(self.clock) / str(os.getpid())
        if not ready.exists():
            ready.touch()
            deadline = time.monotonic() + LONGEST_START
            while len(list(Path(self.clock).iterdir())) < self.actors and time.monotonic() < deadline:
                time.sleep(0.005)
        return [Question(ids, PARAMS) for ids in rows["prompt"].to_pylist()]

    def answers(self, rows: pa.Table, replies: list[Reply]) -> pa.Table:
        return pa.table({"id": rows["id"], "text": [reply.text for reply in replies]})


def invented_prompts(count: int, seed: int) -> list[list[int]]:
    """40 to 120 tokens, of which the first 20 are the same, as with a template. Other seeds share no prompt, so that
    no side finds the answers of an earlier round in its prefix cache."""
    rng = random.Random(seed)
    start = [rng.randrange(3, 500) for _ in range(20)]
    return [start + [rng.randrange(3, 500) for _ in range(rng.randrange(20, 100))] for _ in range(count)]


def save_model(folder: str, sizes: dict[str, int]) -> int:
    """A random model with a tokenizer; returns its number of parameters."""
    import torch
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

    words = {f"w{number}": number for number in range(sizes["vocab_size"])}
    backend = Tokenizer(models.WordLevel(words, unk_token="w0"))
    PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="w1", pad_token="w2").save_pretrained(folder)
    torch.manual_seed(0)
    heads = {"num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": max(32, sizes["hidden_size"] // 8)}
    config = Qwen3Config(**sizes, **heads, max_position_embeddings=MAX_LENGTH, tie_word_embeddings=True)
    model = Qwen3ForCausalLM(config).to(torch.bfloat16)
    model.save_pretrained(folder)
    return sum(parameter.numel() for parameter in model.parameters())


class Generator:
    """vllm.LLM in a process of its own, which generates when told to and answers with the seconds."""

    def __init__(self, model: str, prompts: int, placement: EnginePlacement, in_process: bool) -> None:
        environment = {
            **os.environ,
            "VLLM_CPU_KVCACHE_SPACE": str(placement.kv_cache_gib),
            "VLLM_LOGGING_LEVEL": "ERROR",
            "OMP_NUM_THREADS": str(placement.threads or len(os.sched_getaffinity(0))),
        }
        if in_process:
            environment["VLLM_ENABLE_V1_MULTIPROCESSING"] = "0"
        else:
            del environment["OMP_NUM_THREADS"]  # vLLM chooses and binds
        command = [sys.executable, __file__, "--generate", model, "--prompts", str(prompts)]
        self._process = subprocess.Popen(
            [*command, "--max-num-seqs", str(placement.max_num_seqs)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.seconds(0)

    def seconds(self, seed: int) -> float:
        assert self._process.stdin and self._process.stdout
        print(seed, file=self._process.stdin, flush=True)
        for line in self._process.stdout:
            if line.startswith("seconds "):
                return float(line.split()[1])
        raise RuntimeError("vllm.LLM ended")

    def close(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(60)


def generate(model: str, count: int, max_num_seqs: int) -> None:
    """The child's side of Generator."""
    from vllm import LLM, SamplingParams

    engine = LLM(
        model,
        dtype="bfloat16",
        max_model_len=MAX_LENGTH,
        max_num_seqs=max_num_seqs,
        enforce_eager=True,
        disable_log_stats=True,
    )
    for line in sys.stdin:
        prompts = [{"prompt_token_ids": ids} for ids in invented_prompts(count, int(line))]
        began = time.perf_counter()
        outputs = engine.generate(prompts, SamplingParams(**PARAMS), use_tqdm=False)
        print("seconds", time.perf_counter() - began, flush=True)
        assert all(len(output.outputs[0].token_ids) == OUTPUT_TOKENS for output in outputs)


def pipeline_seconds(
    session: Session, model: str, placement: EnginePlacement, count: int, seed: int
) -> tuple[float, float]:
    """From the first question to the last commit, and the same with the start of Ray Data's actors."""
    settings = ModelSettings(model=model, dtype="bfloat16", max_model_len=MAX_LENGTH)
    engine = session.engine(settings, placement)
    with tempfile.TemporaryDirectory() as folder:
        root = Folder(folder)
        rows = pa.table({"id": [f"{i:032x}" for i in range(count)], "prompt": invented_prompts(count, seed)})
        units = UnitFolder.open(root, root / "units", write_table(root, root / "in", rows), placement.unit_rows)
        clock = Path(folder) / "clock"
        clock.mkdir()
        began = time.time()
        outcome = ask(units, Prompts(str(clock), placement.total_units_in_flight), engine)
        assert outcome.finished
        assert outcome.counts.output_tokens == count * OUTPUT_TOKENS
        first = max(path.stat().st_mtime for path in clock.iterdir())
        commits = max(path.stat().st_mtime for path in (Path(folder) / "units").glob("*.parquet"))
    return commits - first, time.time() - began


def measure(name: str, count: int, rounds: int, placement: EnginePlacement) -> dict[str, Any]:
    seconds: dict[str, list[float]] = {"pipeline": [], "same_process": [], "stock": []}
    whole = []
    with tempfile.TemporaryDirectory() as model, Session() as session:
        parameters = save_model(model, MODELS[name])
        sides = {
            "same_process": Generator(model, count, placement, in_process=True),
            "stock": Generator(model, count, placement, in_process=False),
        }
        pipeline_seconds(session, model, placement, count, 0)
        for seed in range(1, rounds + 1):
            taken, with_start = pipeline_seconds(session, model, placement, count, seed)
            seconds["pipeline"].append(taken)
            whole.append(with_start)
            for side, generator in sides.items():
                seconds[side].append(generator.seconds(seed))
        for generator in sides.values():
            generator.close()
    tokens = count * OUTPUT_TOKENS
    speed = {side: round(tokens / statistics.median(taken), 1) for side, taken in seconds.items()}
    return {
        "model": name,
        "parameters": parameters,
        "prompts": count,
        "output_tokens": tokens,
        "seconds": seconds,
        "tokens_per_second": speed,
        "tokens_per_second_with_start_of_actors": round(tokens / statistics.median(whole), 1),
        "ratio": round(speed["pipeline"] / speed["same_process"], 3),
        "ratio_to_stock": round(speed["pipeline"] / speed["stock"], 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--model", choices=MODELS, nargs="+", default=list(MODELS))
    parser.add_argument("--prompts", type=int, default=1536)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--max-num-seqs", type=int, default=128)
    parser.add_argument("--unit-rows", type=int, default=64)
    parser.add_argument("--units-in-flight", type=int, default=3)
    parser.add_argument("--generate", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.generate:
        generate(arguments.generate, arguments.prompts, arguments.max_num_seqs)
        return
    placement = EnginePlacement(
        max_num_seqs=arguments.max_num_seqs,
        unit_rows=arguments.unit_rows,
        units_in_flight=arguments.units_in_flight,
    )
    report = {
        "benchmark": "teacher",
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "placement": placement.model_dump(),
        "minimum_ratio": MINIMUM_RATIO,
        "results": [measure(name, arguments.prompts, arguments.rounds, placement) for name in arguments.model],
    }
    print(json.dumps(report, indent=2))
    if arguments.out:
        arguments.out.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    for result in report["results"]:
        assert result["model"] != "large" or result["ratio"] >= MINIMUM_RATIO, result


if __name__ == "__main__":
    main()

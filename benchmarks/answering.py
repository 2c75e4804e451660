"""A suite's prompts through the engine against `transformers.generate`, one prompt at a time.

Same tiny random model in fp32, same prompts of all tasks whose data are there, greedy, same limits; loading is not
timed on either side. Where the two answers part, the two best tokens must be within 1e-4 there: a tie that rounding
may break either way.

    python benchmarks/answering.py --data SENTIBENCH --out benchmarks/results/answering.json [--limit 100]
"""

import argparse
import json
import platform
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM

from fsa_ray.core.pipeline import Pipeline
from fsa_ray.core.placement import Placement
from fsa_ray.core.runner import Runner, load
from fsa_ray.core.tables import read_table
from fsa_ray.engine.placement import EnginePlacement
from fsa_ray.engine.run_units import ask
from fsa_ray.engine.session import ModelSettings, Session
from fsa_ray.engine.units import UnitFolder
from fsa_ray.evaluation.suites import SUITES, present
from fsa_ray.stages.answer import Answering
from fsa_ray.stages.model import GivenModel, chat_format
from fsa_ray.stages.questions import Questions
from fsa_ray.storage.folder import Folder

MINIMUM_RATIO = 5.0
MAXIMUM_GAP = 1e-4
MAX_LENGTH = 2048
SHOTS = 4


class Silent:
    def begins(self, step: Any) -> None: ...
    def says(self, step: Any, message: str) -> None: ...
    def ends(self, step: Any, record: Any) -> None: ...


def save_model(folder: str, texts: list[str]) -> int:
    """A random model whose tokens are words, so that a text tells its tokens; returns its number of parameters."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

    backend = Tokenizer(models.WordLevel(unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    trainer = trainers.WordLevelTrainer(vocab_size=4000, special_tokens=["[UNK]", "[END]"], show_progress=False)
    backend.train_from_iterator(texts, trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend, eos_token="[END]", pad_token="[END]", unk_token="[UNK]"
    )
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = Qwen3Config(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=32,
        max_position_embeddings=MAX_LENGTH,
        initializer_range=0.3,
        tie_word_embeddings=True,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    model = Qwen3ForCausalLM(config)
    model.save_pretrained(folder)
    return sum(parameter.numel() for parameter in model.parameters())


def one_at_a_time(path: str, rows: list[dict[str, Any]]) -> tuple[float, list[list[int]]]:
    model = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32).eval()
    chat = chat_format(path, False)
    written = []
    began = time.perf_counter()
    for row in rows:
        prompt = chat.text_ids(row["prompt"])
        with torch.inference_mode():
            tokens = model.generate(
                torch.tensor([prompt]),
                max_new_tokens=row["max_tokens"],
                do_sample=False,
            )
        written.append(tokens[0, len(prompt) :].tolist())
    return time.perf_counter() - began, written


def gap_where_they_part(path: str, prompt: list[int], ours: list[int], theirs: list[int]) -> float:
    """Difference of the two best logits at the first place where the answers differ."""
    model = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32).eval()
    shared = next(
        (n for n, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b), min(len(ours), len(theirs))
    )
    with torch.inference_mode():
        best = model(torch.tensor([prompt + theirs[:shared]])).logits[0, -1].topk(2).values
    return float(best[0] - best[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="SentiBench in the official layout")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--limit", type=int, help="items of a task; default: all")
    arguments = parser.parse_args()
    tasks, absent = present(SUITES["sentibench"].tasks, arguments.data, ("train", "test"))
    with tempfile.TemporaryDirectory() as folder, Session() as session:
        path, root = f"{folder}/model", Folder(f"{folder}/root")
        texts = [
            json.dumps(json.loads(file.read_text("utf-8-sig"))[:300]) for file in arguments.data.rglob("train.json")
        ]
        parameters = save_model(path, texts)
        asked = Questions.at(
            str(arguments.data), tuple(tasks), SHOTS,
            model=GivenModel.at(path), protocol="strict", seeds=(42,), limit=arguments.limit, answering="generation",
            max_length=MAX_LENGTH,
        )  # fmt: skip
        Runner(root, Placement(), Silent(), lambda engines: None).run(Pipeline("bench", {"questions": asked}))
        source = load(root, asked).kept
        rows = read_table(root, source).to_pylist()
        engine = session.engine(ModelSettings(model=path, dtype="float32", max_model_len=MAX_LENGTH), EnginePlacement())
        answering = Answering(path, chat=False, query_end="Output:", first_token=False)
        units = UnitFolder.open(root, root / "units", source, engine.placement.unit_rows)
        began = time.perf_counter()
        outcome = ask(units, answering, engine)
        ours_seconds = time.perf_counter() - began
        said = {row["id"]: row["text"] for table in units.results() for row in table.to_pylist()}
        session.close()
        theirs_seconds, written = one_at_a_time(path, rows)
        differing, gaps = compare(path, rows, said, written)
    report = {
        "benchmark": "answering",
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.machine()}, {torch.get_num_threads()} threads",
        "parameters": parameters,
        "tasks": tasks,
        "absent": absent,
        "prompts": len(rows),
        "shots": SHOTS,
        "output_tokens": outcome.counts.output_tokens,
        "seconds": {"engine": round(ours_seconds, 2), "one_at_a_time": round(theirs_seconds, 2)},
        "ratio": round(theirs_seconds / ours_seconds, 2),
        "minimum_ratio": MINIMUM_RATIO,
        "answers_that_differ": differing,
        "largest_gap_where_they_part": max(gaps, default=0.0),
    }
    print(json.dumps(report, indent=2))
    if arguments.out:
        arguments.out.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    assert report["ratio"] >= MINIMUM_RATIO
    assert report["largest_gap_where_they_part"] <= MAXIMUM_GAP


def compare(
    path: str, rows: list[dict[str, Any]], said: dict[str, str], written: list[list[int]]
) -> tuple[int, list[float]]:
    """How many answers differ, and the gap of the two best logits where each of them first does."""
    from transformers import AutoTokenizer

    tokenizer, chat = AutoTokenizer.from_pretrained(path), chat_format(path, False)
    gaps = []
    for row, tokens in zip(rows, written, strict=True):
        text = tokenizer.decode(tokens, skip_special_tokens=True)
        if text.strip() != (said[row["id"]] or "").strip():
            ours = tokenizer(said[row["id"]] or "", add_special_tokens=False)["input_ids"]
            gaps.append(gap_where_they_part(path, chat.text_ids(row["prompt"]), ours, tokens))
    return len(gaps), gaps


if __name__ == "__main__":
    main()

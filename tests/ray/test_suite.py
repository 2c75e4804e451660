"""A suite of tasks through a real engine, against transformers, one prompt at a time."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fsa_ray.core.pipeline import Pipeline
from fsa_ray.core.placement import Placement
from fsa_ray.core.plan import Step
from fsa_ray.core.record import Record
from fsa_ray.core.runner import Runner, load
from fsa_ray.core.stage import Stage
from fsa_ray.core.tables import read_table
from fsa_ray.evaluation.tasks import load_task
from fsa_ray.stages import serving
from fsa_ray.stages.answer import Answer
from fsa_ray.stages.judge import Judge
from fsa_ray.stages.model import GivenModel, chat_format
from fsa_ray.stages.questions import Questions
from fsa_ray.storage.folder import Folder
from tests.ray.conftest import save_tiny_encoder_decoder

pytestmark = [pytest.mark.engine, pytest.mark.slow]

TASKS = ("sst2", "irony18", "atsa_rest16", "opener")
FILMS = ["a moving film", "dull and far too long", "the cast shines", "I left early", "witty , warm and wise", "no"]


class Silent:
    def begins(self, step: Step) -> None: ...
    def says(self, step: Step, message: str) -> None: ...
    def ends(self, step: Step, record: Record) -> None: ...


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four tasks in the official layout, a few items each."""
    root = tmp_path_factory.mktemp("bench")
    records = {
        "sst2": lambda n, text: {"sentence": text, "label": ("negative", "positive")[n % 2]},
        "irony18": lambda n, text: {"sentence": text, "label": ("irony", "non-irony")[n % 2]},
        "atsa_rest16": lambda n, text: {
            "ID": f"r{n}",
            "sentence": text,
            "aspects": [
                {"category": "FOOD#QUALITY", "polarity": "positive", "from": "0"}
                | {"target": text.split()[0], "to": str(len(text.split()[0]))}
            ],
        },
        "opener": lambda n, text: {"sent_id": f"s{n}", "sentence": text, "text": text, "opinions": []},
    }
    for name, record in records.items():
        task = load_task(name)
        for split in ("train", "test"):
            for path in task.paths(root, split):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(json.dumps([record(n, f"{text} {split}") for n, text in enumerate(FILMS)]))
    return root


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Folder]:
    yield Folder(str(tmp_path_factory.mktemp("root")))
    serving.close()


def run(root: Folder, stage: Stage[Any], placement: Placement | None = None) -> Any:
    Runner(root, placement or Placement(), Silent(), serving.release).run(Pipeline("test", {"wanted": stage}))
    return load(root, stage)


def questions(data: Path, model: str, **more: Any) -> Questions:
    fields = {"protocol": "strict", "seeds": (1, 2), "max_length": 3000, **more}
    return Questions.at(str(data), TASKS, 2, model=GivenModel.at(model), **fields)


def test_label_likelihoods_equal_those_of_transformers(root: Folder, data: Path, tiny_model: str) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    asked = questions(data, tiny_model, limit=3)
    answers = Answer(questions=asked, precision="fp32")
    scores = run(root, Judge(answers=answers))
    rows = read_table(root, load(root, asked).kept).to_pylist()
    said = {row["id"]: row for row in read_table(root, load(root, answers).kept).to_pylist()}
    assert len(said) == len(rows) == 3 * len(TASKS) * 2
    model = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32).eval()
    chat, lengths = chat_format(tiny_model, False), set[int]()
    for row in rows:
        if row["labels"] is None:
            continue
        prompt = chat.text_ids(row["prompt"])
        for label, found in zip(row["labels"], said[row["id"]]["label_logprobs"], strict=True):
            word = chat.continuation_ids("Output:", label)
            lengths.add(len(word))
            with torch.no_grad():
                logits = model(torch.tensor([[*prompt, *word]])).logits[0].log_softmax(-1)
            expected = sum(float(logits[len(prompt) - 1 + n, token]) for n, token in enumerate(word))
            assert found == pytest.approx(expected, abs=2e-3)
    assert {1} < lengths  # whole words, not first tokens
    assert set(scores.scores) == set(TASKS)
    assert all(score.seeds.keys() == {1, 2} and score.n == 3 for score in scores.scores.values())
    outcomes = read_table(root, type(load(root, asked).kept)(files=(scores.items,)))
    assert len(outcomes) == 3 * len(TASKS) * 2


def test_scores_do_not_depend_on_batches_or_shards(root: Folder, data: Path, tiny_model: str, tmp_path: Path) -> None:
    judge = Judge(answers=Answer(questions=questions(data, tiny_model, limit=3), precision="fp32"))
    other = Placement(sections={"engine": {"unit_rows": 5, "max_num_seqs": 3, "units_in_flight": 2}})
    assert run(Folder(str(tmp_path)), judge, other).scores == run(root, judge).scores


def test_calibration_asks_about_texts_that_say_nothing(root: Folder, data: Path, tiny_model: str) -> None:
    asked = Questions.at(
        str(data), ("sst2",), 1,
        model=GivenModel.at(tiny_model), protocol="v2", seeds=(1,), limit=2, calibrate=True, max_length=3000,
    )  # fmt: skip
    scores = run(root, Judge(answers=Answer(questions=asked, precision="fp32")))
    rows = read_table(root, load(root, asked).kept).to_pylist()
    assert [row["prior"] for row in rows] == [None, 0, 1, 2] * 2
    assert scores.scores["sst2"].n == 2


def test_an_encoder_decoder_answers_the_same_in_any_batch(root: Folder, data: Path, tmp_path: Path) -> None:
    import torch
    from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

    save_tiny_encoder_decoder(tmp_path / "t5")
    asked = questions(data, str(tmp_path / "t5"), seeds=(1,), limit=3, max_length=2000)
    answers = Answer(questions=asked, precision="fp32")
    run(root, Judge(answers=answers))
    rows = read_table(root, load(root, asked).kept).to_pylist()
    said = read_table(root, load(root, answers).kept).to_pylist()
    model = AutoModelForSeq2SeqLM.from_pretrained(tmp_path / "t5", dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "t5")
    for row, answer in zip(rows, said, strict=True):
        assert answer["id"] == row["id"]
        encoded = tokenizer(row["prompt"], return_tensors="pt")
        with torch.no_grad():
            if row["labels"] is None:
                alone = model.generate(**encoded, max_new_tokens=row["max_tokens"], do_sample=False)[0]
                assert answer["text"] == tokenizer.decode(alone, skip_special_tokens=True).strip()
                continue
            for label, found in zip(row["labels"], answer["label_logprobs"], strict=True):
                target = tokenizer(label.strip(), add_special_tokens=False, return_tensors="pt")["input_ids"]
                logits = model(**encoded, labels=target).logits.log_softmax(-1)
                assert found == pytest.approx(float(logits.gather(-1, target[..., None]).sum()), abs=1e-3)
    elsewhere = Placement(sections={"seq2seq": {"gpus": 8}})
    with pytest.raises(ValueError, match=r"section `seq2seq` of the placement asks for 1 x \(2 CPU, 8 GPU\).*Lower it"):
        run(root, Judge(answers=Answer(questions=asked, precision="bf16")), elsewhere)

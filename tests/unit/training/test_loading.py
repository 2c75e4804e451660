"""What train workers read, each for itself."""

import subprocess
import sys

import pytest
import torch.distributed as dist
from transformers import AutoConfig, AutoModelForCausalLM

from fsa_ray.core.tables import read_table, write_table
from fsa_ray.engine.train import TrainPlacement
from fsa_ray.storage.folder import Folder
from fsa_ray.training.loading import load_together, refuse_strange
from fsa_ray.training.rows import read_rows
from fsa_ray.training.settings import ModelSource
from fsa_ray.training.student import load_student
from tests.ray.train_driver import CONFIG, T5, corpus, job, pairs
from tests.unit.training import loading_driver


def test_a_model_that_one_machine_lacks_is_told_by_every_worker_and_at_once(tmp_path):
    corpus(Folder(str(tmp_path)))  # before the two write it at once
    fields = {name: value for name, value in CONFIG.items() if name != "model_type"}
    AutoModelForCausalLM.from_config(AutoConfig.for_model("qwen3", **fields)).save_pretrained(tmp_path / "model")
    paths = (tmp_path / "model", tmp_path / "nowhere")
    workers = [
        subprocess.Popen(
            [sys.executable, "-m", loading_driver.__name__, str(tmp_path), str(rank), str(path)],
            stdout=subprocess.PIPE,
            text=True,
        )
        for rank, path in enumerate(paths)
    ]
    told = [worker.communicate(timeout=300)[0].splitlines()[-1] for worker in workers]
    assert told[0] == told[1]
    assert str(tmp_path / "nowhere") in told[0] and told[0].endswith("(told by rank 1 of 2 workers)")


@pytest.mark.parametrize(
    ("config", "made", "told"),
    [
        ({**CONFIG, "vocab_size": 60}, corpus, "the model knows 60: pack with the tokenizer"),
        (CONFIG, pairs, r"\(qwen3\) is a causal model, but .* pairs of texts"),
        (T5, corpus, r"\(t5\) is an encoder-decoder, but .* packed"),
    ],
)
def test_rows_that_the_student_cannot_read_are_refused(tmp_path, config, made, told):
    root = Folder(str(tmp_path))
    given = job(root, "strange").model_copy(update={"model": ModelSource(config=config)})
    student, _ = load_student(given, TrainPlacement(micro_batch=2), digest=False)
    with pytest.raises(ValueError, match=told):
        refuse_strange(read_rows(root, made(root)), student)


@pytest.fixture
def alone(tmp_path):
    """A group of one."""
    dist.init_process_group("gloo", store=dist.FileStore(str(tmp_path / "meeting"), 1), rank=0, world_size=1)
    yield Folder(str(tmp_path))
    dist.destroy_process_group()


def test_a_corpus_without_rows_says_where_to_look(alone):
    table = read_table(alone, corpus(alone)).slice(0, 0)
    given = job(alone, "empty").model_copy(update={"corpus": write_table(alone, alone / "empty", table)})
    with pytest.raises(ValueError, match="the corpus has no rows; look at its rejects"):
        load_together(given, TrainPlacement(micro_batch=2))


def test_a_start_that_was_changed_is_refused_before_a_step(alone):
    given = job(alone, "changed").model_copy(update={"begins_with": "0" * 64})
    with pytest.raises(ValueError, match=r"when they were made it was 0{64}: a file was changed since"):
        load_together(given, TrainPlacement(micro_batch=2))

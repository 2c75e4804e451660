"""The teacher's probabilities of label words through a real engine, against transformers and against a student."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from fsa_ray.core.tables import write_table
from fsa_ray.engine.run_units import ask
from fsa_ray.engine.session import Engine
from fsa_ray.engine.units import UnitFolder
from fsa_ray.schemas.rows import REQUEST
from fsa_ray.stages.asking import Asker
from fsa_ray.stages.teaching import Teaching
from fsa_ray.storage.folder import Folder

pytestmark = pytest.mark.engine

TURNS = ["the food was good", "slow service", "ok"]
CASES: list[tuple[tuple[str, ...], str]] = [
    (("good", "slow", "food"), ""),  # told by the answer's first step
    (("neutral", "negative", "nice"), ""),  # begin alike in letters
    (("good", "slow"), '{"polarity":"'),  # stand behind an opening
]


@pytest.fixture(scope="module")
def told(engine: Engine, tiny_model: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[dict[str, Any]], int]:
    """A response row for each turn and case, and how many questions they took."""
    root = Folder(str(tmp_path_factory.mktemp("soft")))
    rows = [
        {"id": f"{len(TURNS) * c + t:032x}", "parent": f"{t:032x}", "kind": "align", "prompt": turn, "labels": words,
         "opening": opening or None}
        for c, (words, opening) in enumerate(CASES) for t, turn in enumerate(TURNS)
    ]  # fmt: skip
    table = write_table(root, root / "in", pa.Table.from_pylist(rows, REQUEST))
    units = UnitFolder.open(root, root / "units", table, 4)
    teaching = Teaching(Asker(tiny_model, 4), {"temperature": 0.0, "top_p": 1.0}, 0, 1)
    outcome = ask(units, teaching, engine)
    return [row for part in units.results() for row in part.to_pylist()], outcome.counts.prompts


def test_probabilities_are_those_of_transformers(told: Any, tiny_model: str) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32).eval()
    asker = Asker(tiny_model, 4)
    responses = {row["id"]: row for row in told[0]}
    for c, (words, opening) in enumerate(CASES):
        labels = asker.labels(words, opening)
        for t, turn in enumerate(TURNS):
            expected = []
            for word in labels.tree.words:
                prompt = [*asker.chat.prompt_ids(turn), *labels.opening]
                with torch.no_grad():
                    logprobs = model(torch.tensor([[*prompt, *word]])).logits[0].float().log_softmax(-1)
                expected.append(sum(float(logprobs[len(prompt) - 1 + n, token]) for n, token in enumerate(word)))
            assert responses[f"{len(TURNS) * c + t:032x}"]["label_logprobs"] == pytest.approx(expected, abs=1e-4)


def test_only_words_that_the_answer_does_not_settle_cost_questions(told: Any, tiny_model: str) -> None:
    asker = Asker(tiny_model, 4)
    counts = [asker.count(words, opening) for words, opening in CASES]
    assert counts[0] == 1 and counts[2] > 1
    assert told[1] == len(TURNS) * sum(counts)


def test_a_teacher_that_is_the_student_leaves_nothing_to_learn(told: Any, tiny_model: str) -> None:
    import torch

    from fsa_ray.training.answer_loss import SoftBatch
    from fsa_ray.training.model import load_model
    from fsa_ray.training.packed_lm import PackedLM
    from fsa_ray.training.packed_rows import PackedRows
    from fsa_ray.training.packing import Tokenized, pack_table
    from fsa_ray.training.probe import check_isolation
    from fsa_ray.training.settings import ModelSource, SoftLabels
    from fsa_ray.training.soft_targets import label_words

    asker, words = Asker(tiny_model, 4), CASES[0][0]
    pairs = [asker.chat.example_ids(turn, words[0]) for turn in TURNS]
    firsts = [word[0] for word in asker.labels(words).tree.words]
    examples = Tokenized(
        pa.array([str(n) for n in range(len(pairs))]),
        np.array([token for ids, _ in pairs for token in ids], np.int32),
        np.cumsum([0, *(len(ids) for ids, _ in pairs)]),
        np.array([prompt for _, prompt in pairs]),
        tuple(label_words(firsts, told[0][n]["label_logprobs"]) for n in range(len(pairs))),
    )
    rows = PackedRows.of(pack_table(examples, 96, pad_id=0, seed=0).rows)
    lm = PackedLM(load_model(Folder("."), ModelSource(path=tiny_model), torch.float32), SoftLabels())
    check_isolation(lm, torch.device("cpu"))
    numbers = np.arange(len(rows))
    arrays = rows.arrays(numbers)
    assert rows.soft is not None
    row, place, tokens, logprobs = rows.soft.of_rows(numbers)
    places = torch.from_numpy(rows.soft_places(row, place, arrays))
    soft = SoftBatch(places, torch.from_numpy(tokens), torch.from_numpy(logprobs))
    with torch.no_grad():
        _, divergence = lm(**{name: torch.from_numpy(array).long() for name, array in arrays.items()}, soft=soft)
    assert len(row) == len(TURNS) and abs(divergence.item()) < 1e-5

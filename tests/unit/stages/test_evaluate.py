"""What is refused before anything is asked."""

import json
from pathlib import Path

import pytest

from fsa_ray.evaluation.tasks import load_task
from fsa_ray.stages.annotate import Annotate
from fsa_ray.stages.benchmark import Benchmark
from fsa_ray.stages.evaluate import Evaluate
from fsa_ray.stages.invent import Invent
from fsa_ray.stages.model import GivenModel


def benchmark(root: Path, name: str) -> Benchmark:
    for path in load_task(name).paths(root, "test"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps([]))
    return Benchmark.at(str(root), (name,))


def test_a_task_that_the_own_format_does_not_hold_is_refused_when_the_graph_is_built(tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.mkdir()
    (model / "config.json").write_text("{}")
    (model / "model.safetensors").write_bytes(b"")
    reviews = Invent(count=1, split="test", seed=1)
    annotations = Annotate(reviews=reviews, model=GivenModel.at(str(model)))
    with pytest.raises(ValueError, match=r"acsa_rest16.*--suite"):
        Evaluate(benchmark=benchmark(tmp_path, "acsa_rest16"), annotations=annotations)
    Evaluate(benchmark=benchmark(tmp_path, "acsa_rest16"), annotations=None)
    Evaluate(benchmark=benchmark(tmp_path, "twitter"), annotations=annotations)

"""A root on the object store, and specs to run there."""

from pathlib import Path

import pytest
import yaml
from click.testing import Result
from typer.testing import CliRunner

from fsa_ray.cli import app
from fsa_ray.storage.folder import Folder


@pytest.fixture
def root(bucket: str) -> Folder:
    return Folder(f"{bucket}/runs")


def invoke(*arguments: object) -> Result:
    """The command line in this process."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def write_spec(path: Path, reviews: str) -> Path:
    """A spec over these reviews, with a small teacher and a small student."""
    config = {"model_type": "qwen3", "hidden_size": 64}
    train = {"max_steps": 2, "global_batch": 2, "learning_rate": 0.1}
    document = {
        "name": "mine",
        "corpus": {"path": reviews},
        "teacher": {"embedded": {"config": config, "train": train}, "style": "compact"},
        "score": {"model": "teacher"},
        "student": {"config": config},
    }
    path.write_text(yaml.safe_dump(document))
    return path

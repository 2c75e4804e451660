"""The encoder through vLLM, against sentence-transformers on the same texts."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pytest
import ray

from fsa_ray.core.artifact import Rows
from fsa_ray.core.pipeline import Pipeline
from fsa_ray.core.placement import Placement
from fsa_ray.core.record import read_record
from fsa_ray.core.runner import Runner, load
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.core.tables import read_table
from fsa_ray.engine.application import EngineFailed
from fsa_ray.engine.embedding import embed
from fsa_ray.engine.encoder import encode, installed_model
from fsa_ray.engine.placement import EnginePlacement
from fsa_ray.engine.session import ModelSettings, Session
from fsa_ray.schemas.instructions import ATTRIBUTE
from fsa_ray.stages import serving
from fsa_ray.stages.instructions.clusters import Clusters
from fsa_ray.stages.rows import commit
from fsa_ray.storage.folder import Folder
from tests.ray.test_suite import Silent

pytestmark = [pytest.mark.engine, pytest.mark.slow, pytest.mark.timeout(1200)]

THINGS = ["food", "room", "battery", "staff", "plot", "sound", "screen", "seat", "price", "delivery"]
NAMES = [f"{side} of the {thing}" for side in ("quality", "quantity", "tone", "state", "speed") for thing in THINGS]
LONG = "the degree to which a text asks for action " * 40  # MiniLM reads 256 tokens


class Attributed(Stage[Rows]):
    name: ClassVar[str] = "attributed"
    version: ClassVar[int] = 1

    def run(self, ctx: StageContext) -> Rows:
        rows = [
            {"id": f"{n:032x}", "name": name, "mentions": 100 - n, "description": "", "values": []}
            for n, name in enumerate(NAMES)
        ]
        return commit(ctx, pa.Table.from_pylist(rows, ATTRIBUTE), [])


@pytest.fixture(scope="module")
def last_token_model(tiny_model: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A random Qwen3 as an encoder that pools by the last token and wants a prompt, in today's format."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer

    plain = tmp_path_factory.mktemp("plain") / "model"
    shutil.copytree(tiny_model, plain, ignore=shutil.ignore_patterns("chat_template.jinja"))
    reader = Transformer(str(plain))
    pooling = Pooling(reader.get_embedding_dimension(), "lasttoken")
    model = SentenceTransformer(
        modules=[reader, pooling, Normalize()], prompts={"document": "about: "}, default_prompt_name="document"
    )
    folder = tmp_path_factory.mktemp("last-token")
    model.save_pretrained(str(folder))
    return str(folder)


@pytest.fixture
def own_session(ray_session: Session) -> Iterator[Session]:
    """On the Ray of all tests, with engines of its own."""
    with Session(ray_session.ray_placement) as session:
        yield session


def test_the_installed_model_gives_the_vectors_of_sentence_transformers(own_session: Session) -> None:
    texts = [*NAMES, LONG, NAMES[0]]
    vectors = embed(texts, installed_model(), own_session, EnginePlacement())
    assert vectors.dtype == np.float32 and vectors.shape == (52, 384)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-6)
    np.testing.assert_array_equal(vectors[0], vectors[-1])
    alike = vectors @ encode(texts).T
    assert np.diag(alike).min() > 0.9999
    assert alike[:51, :51].argmax(axis=1).tolist() == list(range(51))


def test_a_model_in_todays_format_is_pooled_as_it_says_and_other_engines_make_room(
    own_session: Session, tiny_model: str, last_token_model: str
) -> None:
    own_session.engine(ModelSettings(model=tiny_model, dtype="float32", max_model_len=128), EnginePlacement())
    all_that_is_free_and_more = ray.available_resources()["CPU"] + 0.5
    vectors = embed(NAMES, last_token_model, own_session, EnginePlacement(cpus=all_that_is_free_and_more))
    assert own_session._engines == {}
    assert np.diag(vectors @ encode(NAMES, last_token_model).T).min() > 0.9999


def test_clusters_by_vllm_are_those_by_sentence_transformers(own_session: Session, tmp_path: Path) -> None:
    root = Folder(str(tmp_path))
    stages = {
        "attributes": Attributed(),
        "plain": Clusters(attributes=Attributed()),
        "vllm": Clusters(attributes=Attributed(), encoder_engine="vllm"),
    }
    Runner(root, Placement(), Silent(), serving.release).run(Pipeline("test", stages))
    serving.close()
    plain, vllm = (read_table(root, load(root, stages[label]).kept) for label in ("plain", "vllm"))
    assert 1 < len(plain) < len(NAMES)
    assert vllm.equals(plain)
    record = read_record(root, stages["vllm"])
    assert record is not None and record.measures["engine_starts"] == 1


def test_what_vllm_cannot_load_is_told_with_its_cause(
    own_session: Session, last_token_model: str, tmp_path: Path
) -> None:
    shutil.copytree(last_token_model, tmp_path / "broken")
    (tmp_path / "broken" / "model.safetensors").unlink()
    with pytest.raises(EngineFailed, match=r"(?s)broken.*model.*choose the sentence-transformers engine"):
        embed(NAMES, str(tmp_path / "broken"), own_session, EnginePlacement())


def test_a_late_engine_and_missing_resources_are_told(own_session: Session) -> None:
    with pytest.raises(EngineFailed, match=r"did not start within 1 s \(engine.start_timeout_s"):
        embed(NAMES, installed_model(), own_session, EnginePlacement(start_timeout_s=1))
    with pytest.raises(ValueError, match=r"asks for 1 x \(1 CPU, 1 GPU\)"):
        embed(NAMES, installed_model(), own_session, EnginePlacement(device="gpu", replicas=3))

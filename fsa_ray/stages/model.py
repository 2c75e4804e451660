"""Models that come from outside, and where the files of any model lie on this machine."""

import hashlib
import re
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from fsa_ray.core.artifact import Artifact, DataFile
from fsa_ray.core.local_copy import MODEL_FILES, is_of_model, local_directory, model_here
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.sentiment.chat import ChatFormat
from fsa_ray.sentiment.pair_format import PairFormat
from fsa_ray.storage.folder import Folder

_SAMPLE = 1 << 20
"""Of a weight file, so many bytes at either end enter the digest, with the size: hashing 140 GB takes minutes."""

_REVISION = re.compile(r"[\w.][\w./-]*")
"""What can name a commit, a tag or a branch: no blanks, nothing that git gives a meaning of its own."""


class Model(Artifact):
    """A Hugging Face model: files below the root, a directory or URL elsewhere, or a hub repository at a commit."""

    files: tuple[DataFile, ...] = ()
    path: str | None = None
    repository: str | None = None
    revision: str | None = None
    trust_remote_code: bool = False
    parameters: int | None = None
    curve: DataFile | None = None  # one JSON line per training step
    weights: str | None = None  # digest of what training made
    began_with: str | None = None  # digest of what it started from


class PinnedFile(Artifact):
    """A file outside the root whose content is part of a stage's identity."""

    name: str
    size: int
    digest: str


class GivenModel(Stage[Model]):
    """A model directory given by path or URL. Its identity is its files, not where they lie."""

    name: ClassVar[str] = "model"
    version: ClassVar[int] = 1

    files: tuple[PinnedFile, ...]
    trust_remote_code: bool = False
    path: str = Field(exclude=True)

    @classmethod
    def at(cls, path: str, trust_remote_code: bool = False) -> "GivenModel":
        """Raises ValueError if there is no model with safetensors weights."""
        folder = Folder(path if "://" in path else str(Path(path).expanduser().resolve()))
        sizes = {name: size for name, size in folder.walk() if is_of_model(name)}
        if "config.json" not in sizes:
            raise ValueError(
                f"{path}: no config.json there; give a directory with a Hugging Face model, its URL, or a hub id"
            )
        if not any(name.endswith(".safetensors") and "/" not in name for name in sizes):
            raise ValueError(f"{path}: no .safetensors file there; weights in other formats are not read")
        files = tuple(_pinned(folder, name, size) for name, size in sizes.items())
        return cls(files=files, trust_remote_code=trust_remote_code, path=folder.url)

    def run(self, ctx: StageContext) -> Model:
        folder = Folder(self.path)
        there = dict(folder.walk())
        for file in self.files:
            if there.get(file.name) != file.size or _pinned(folder, file.name, file.size) != file:
                raise ValueError(f"{self.path}/{file.name} has gone or changed since the run was planned")
        return Model(path=self.path, trust_remote_code=self.trust_remote_code)

    def restored(self, artifact: Model) -> Model:
        return artifact.model_copy(update={"path": self.path})  # the same files may have lain elsewhere


class HubModel(Stage[Model]):
    """A model on the Hugging Face hub, pinned by commit."""

    name: ClassVar[str] = "model"
    version: ClassVar[int] = 1

    repository: str
    revision: str
    trust_remote_code: bool = False

    def run(self, ctx: StageContext) -> Model:
        model = Model(repository=self.repository, revision=self.revision, trust_remote_code=self.trust_remote_code)
        local_path(ctx.root, model)  # fails here, before anything is paid for, if it cannot be had
        return model


def model_stage(model: str, revision: str | None, trust_remote_code: bool) -> Stage[Model]:
    """A URL, a path if there is such a directory or it looks like one, else a hub id. Raises ValueError."""
    if "://" in model or Path(model).expanduser().is_dir() or model.startswith((".", "/", "~")):
        return GivenModel.at(model, trust_remote_code)
    if model.count("/") != 1:
        raise ValueError(f"model {model!r} is neither a directory here nor a hub id such as organisation/name")
    if revision is None:
        raise ValueError(f"model {model!r}: also give `revision`, a commit of that repository, so that results last")
    if not _REVISION.fullmatch(revision):
        raise ValueError(f"model {model!r}: revision {revision!r} cannot be one; put a commit of that repository there")
    return HubModel(repository=model, revision=revision, trust_remote_code=trust_remote_code)


@dataclass(frozen=True)
class ModelDirectory(PathLike[str]):
    """A model as a directory of whatever machine asks for its path, where it is fetched if need be. What is sent to
    workers gets this: a path of the driver's machine may be nowhere on theirs."""

    root: Folder
    model: Model

    def __fspath__(self) -> str:
        return local_path(self.root, self.model)


def local_path(root: Folder, model: Model) -> str:
    """A directory on this machine that holds the model's files; fetched there if need be. Raises ValueError."""
    if model.path is not None:
        return model_here(model.path)
    if model.repository is not None:
        return _fetched(model.repository, model.revision)
    return local_directory(root, model.files)


def chat_format(path: str | PathLike[str], trust_remote_code: bool) -> ChatFormat:
    """The chat format of the model, or the tokenizer alone, in a directory."""
    from transformers import AutoTokenizer

    return ChatFormat(AutoTokenizer.from_pretrained(fspath(path), trust_remote_code=trust_remote_code))


def pair_format(path: str | PathLike[str], trust_remote_code: bool) -> PairFormat:
    """How an encoder-decoder in a directory reads and writes."""
    from transformers import AutoTokenizer

    return PairFormat(AutoTokenizer.from_pretrained(fspath(path), trust_remote_code=trust_remote_code))


def is_encoder_decoder(path: str, trust_remote_code: bool) -> bool:
    from transformers import AutoConfig

    return bool(AutoConfig.from_pretrained(path, trust_remote_code=trust_remote_code).is_encoder_decoder)


def _fetched(repository: str, revision: str | None) -> str:
    from huggingface_hub import snapshot_download

    try:
        return str(snapshot_download(repository, revision=revision, allow_patterns=[*MODEL_FILES, "tokenizer*"]))
    except Exception as error:
        raise ValueError(f"model {repository}@{revision} cannot be fetched: {error}") from error


def _pinned(folder: Folder, name: str, size: int) -> PinnedFile:
    digest = hashlib.sha256()
    if not name.endswith(".safetensors") or size <= 2 * _SAMPLE:
        digest.update(folder.get(name))
    else:
        digest.update(folder.piece(name, 0, _SAMPLE))
        digest.update(folder.piece(name, size - _SAMPLE, size))
    return PinnedFile(name=name, size=size, digest=digest.hexdigest())

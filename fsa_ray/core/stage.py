"""A stage: a frozen value whose fields are its identity, and the little of the world that its run may touch."""

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict

from fsa_ray.core.artifact import Artifact, Flow
from fsa_ray.core.beat import Beat
from fsa_ray.core.fingerprint import fingerprint
from fsa_ray.core.placement import Placement
from fsa_ray.storage.folder import Folder

A = TypeVar("A", bound=Artifact, covariant=True)  # noqa: PLC0105
B = TypeVar("B", bound=Artifact)


class StageContext(Protocol):
    """All that `Stage.run` may touch of the outside world."""

    @property
    def root(self) -> Folder: ...  # to resolve the keys of data files
    @property
    def out(self) -> Folder: ...  # the only place where this attempt writes final data
    @property
    def progress(self) -> Folder: ...  # survives attempts; also named by plan and status
    @property
    def scratch(self) -> Path: ...  # local disk, removed after the run
    @property
    def placement(self) -> Placement: ...
    @property
    def spent(self) -> tuple[int, int]: ...  # prompt and output tokens that the run's other costly stages took
    def load(self, dep: "Stage[B]") -> B: ...
    def measure(self, **values: float) -> None: ...  # rows, tokens, seconds: into the record
    def tell(self, news: str | Beat) -> None: ...  # one line, or how far it is, for the person who waits


class Stage(BaseModel, Generic[A]):
    """Subclass as `class Teach(Stage[Rows])`, with `name` and `version`, fields, and `run`.

    Wiring a stage into another stage's field is the only way to compose. Making the graph runs nothing.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", ignored_types=(cached_property,))

    name: ClassVar[str]  # path segment
    version: ClassVar[int]  # bump when equal fields now mean another result
    costly: ClassVar[bool] = False  # a changed one is not computed again unless allowed by name
    flow: ClassVar[Flow | None] = None

    @cached_property
    def fingerprint(self) -> str:
        return fingerprint(self)

    def run(self, ctx: StageContext) -> A:
        raise NotImplementedError

    def restored(self, artifact: Any) -> A:
        """The artifact as its record has it; overridden where that names something that may lie elsewhere by now."""
        found: A = artifact
        return found

    def owes(self) -> Flow | None:
        """The account that `verify` asks of this stage; overridden where it depends on the fields."""
        return self.flow

    def estimate(self, rows: "Callable[[Stage[Any]], float]") -> dict[str, float]:
        """What the run would do, before it does: `rows`, and for costly stages `requests`, `prompt_tokens`,
        `output_tokens`. The argument tells how many rows an input has or is expected to have."""
        flow = self.owes()
        if flow is None or flow.source is None:
            return {}
        return {"rows": sum(rows(stage) for stage in self.inputs_of(flow.source)) * flow.fanout}

    def rows_at_risk(self, placement: Placement, progress: Folder) -> int | None:
        """How many rows a crash may make a costly stage ask again, if it goes on with what is in `progress`."""
        return None

    def check_placement(self, placement: Placement) -> None:
        """Raises ValueError if the stage cannot run there; asked before anything runs."""

    def engines(self) -> frozenset[str]:
        """Fingerprints of the model stages whose serving engine this stage asks."""
        return frozenset()

    @property
    def folder(self) -> str:
        """Below the root: one folder a fingerprint."""
        return f"{self.name}/{self.fingerprint[:12]}"

    def inputs(self) -> dict[str, "Stage[Any]"]:
        """Field path to input stage, in field order."""
        found: dict[str, Stage[Any]] = {}
        for field in type(self).model_fields:
            _collect(field, getattr(self, field), found)
        return found

    def inputs_of(self, name: str) -> "list[Stage[Any]]":
        """The input stages in one field."""
        return [stage for field, stage in self.inputs().items() if field.split(".")[0] == name]

    @classmethod
    def artifact_type(cls) -> type[Artifact]:
        for base in cls.__mro__:
            arguments = getattr(base, "__pydantic_generic_metadata__", {}).get("args", ())
            if arguments:
                found: type[Artifact] = arguments[0]
                return found
        raise TypeError(f"{cls.__name__} must be declared as Stage[SomeArtifact]")


def _collect(path: str, value: Any, found: dict[str, Stage[Any]]) -> None:
    if isinstance(value, Stage):
        found[path] = value
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            _collect(f"{path}.{index}", item, found)
    elif isinstance(value, dict):
        for key, item in value.items():
            _collect(f"{path}.{key}", item, found)
    elif isinstance(value, BaseModel):
        for field in type(value).model_fields:
            _collect(f"{path}.{field}", getattr(value, field), found)

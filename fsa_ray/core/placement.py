"""Where stages run: everything that does not change a result. Read from YAML, never a field of a stage."""

from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from fsa_ray.core.explain import explain
from fsa_ray.core.yamlfile import read_yaml

M = TypeVar("M", bound=BaseModel)


class Placement(BaseModel):
    """Sections by name (`ray`, `engine`, `score`, `train`, `prices`, …). Who uses a section knows its type."""

    model_config = ConfigDict(frozen=True)

    source: str = "defaults"
    sections: dict[str, dict[str, Any]] = {}

    @classmethod
    def read(cls, path: Path) -> "Placement":
        """Raises ValueError naming the file if it is not YAML, or not a mapping of mappings."""
        document = read_yaml(path) or {}
        if not isinstance(document, dict) or not all(isinstance(value, dict) for value in document.values()):
            raise ValueError(f"{path}: expected sections such as `train:` with settings below each")
        return cls(source=str(path), sections=document)

    def section(self, name: str, model: type[M]) -> M:
        """Raises ValueError naming file, key and a suggestion."""
        try:
            return model.model_validate(self.sections.get(name, {}))
        except ValidationError as error:
            raise ValueError(explain(error, model, f"{self.source}, section {name}")) from error
